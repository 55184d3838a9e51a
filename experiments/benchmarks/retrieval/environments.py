"""What the peers of the retrieval scores are installed from."""

from experiments.benchmarks._environments import Recipe

RECIPES = {
    "pytorch-metric-learning": Recipe(
        "pytorch-retrieval",
        "3.11",
        (("torch==2.13.0",), ("pytorch-metric-learning==2.9.0", "faiss-cpu==1.15.1")),
    ),
    # Without what it depends on, torchvision among it: its functions for retrieval need these
    # alone.
    "open-metric-learning": Recipe(
        "open-metric-learning",
        "3.11",
        (
            ("torch==2.13.0",),
            ("numpy<2", "omegaconf", "gdown", "matplotlib", "pandas", "tqdm", "validators"),
            ("--no-deps", "open-metric-learning==4.0.0"),
        ),
    ),
}
