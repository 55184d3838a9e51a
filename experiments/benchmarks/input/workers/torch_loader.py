"""PyTorch's DataLoader over torchvision's ImageFolder and transforms."""

import os
from typing import Any

import PIL
import torch
from timing import measure, request


def _torchvision() -> tuple[Any, Any]:
    """Import torchvision and its transforms.

    Where its compiled operators do not fit this PyTorch, without them: the transforms used here
    need none, they call Pillow and PyTorch.
    """
    try:
        import torchvision
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision
    from torchvision.transforms import v2

    return torchvision, v2


def main() -> None:
    """Measure one process."""
    settings = request()
    torchvision, v2 = _torchvision()
    scale, shift = settings["scale"], settings["shift"]
    change = v2.Compose(
        [
            v2.Resize((settings["size"], settings["size"])),
            v2.RandomHorizontalFlip(),
            v2.RandomAffine(
                settings["rotation"],
                translate=(shift, shift),
                scale=(1 / (1 + scale), 1 + scale),
                interpolation=torchvision.transforms.InterpolationMode.BILINEAR,
            ),
            v2.ColorJitter(brightness=settings["brightness"], contrast=settings["contrast"]),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32),
        ]
    )
    torch.manual_seed(settings["seed"])
    batches = torch.utils.data.DataLoader(
        torchvision.datasets.ImageFolder(settings["folder"], change),
        batch_size=settings["batch"],
        shuffle=True,
        drop_last=True,
        num_workers=os.cpu_count(),
        persistent_workers=True,
    )

    def epoch() -> tuple[int, str]:
        count = 0
        for images, _ in batches:
            count += len(images)
        return count, f"{tuple(images.shape)} {images.dtype}"

    versions = {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "pillow": PIL.__version__,
    }
    measure(epoch, settings, versions)


if __name__ == "__main__":
    main()
