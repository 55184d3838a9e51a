"""What the peers of the input pipeline are installed from."""

from experiments.benchmarks._environments import Recipe

# torchvision without what it depends on, or pip would replace a PyTorch built for the CPU.
PYTORCH = Recipe(
    "pytorch-input",
    "3.11",
    (
        ("torch==2.13.0",),
        ("numpy", "pillow==13.0.0", "simplejpeg==1.9.0"),
        ("--no-deps", "torchvision==0.28.0"),
    ),
)
