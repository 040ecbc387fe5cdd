"""Measure a training step of the same SSDLite MobileNetV2 in PyTorch, with plain modules and the same shapes.

    python benchmarks/torch_ssdlite.py STEPS

Uses random weights, random images, the same loss, batch norm in inference mode as in fine-tuning, batches of 8, and the
channels-last layout, which is faster on a CPU. All layers train. Prints one line of JSON with the median seconds of a
step. Layer sizes: Sandler et al. 2018, table 2.
"""

import json
import statistics
import sys
import time

import torch  # pyright: ignore[reportMissingImports] (`make bench` installs it)
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

BATCH, CLASSES, ANCHORS = 8, 5, 1917
BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, repetitions and first stride."""
EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))
MAPS = ((576, 3), (1280, 6), (512, 6), (256, 6), (256, 6), (128, 6))
"""Channels and anchors per cell of each feature map."""


def convolution(before: int, after: int, size: int = 1, stride: int = 1, groups: int = 1, relu: bool = True):
    parts = [nn.Conv2d(before, after, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(after, 1e-3)]
    return nn.Sequential(*parts, *([nn.ReLU6()] if relu else []))


class Bottleneck(nn.Module):
    def __init__(self, before: int, after: int, expansion: int, stride: int):
        super().__init__()
        wide = before * expansion
        self.expand = convolution(before, wide) if expansion > 1 else nn.Identity()
        self.depthwise = convolution(wide, wide, 3, stride, wide)
        self.project = convolution(wide, after, relu=False)
        self.residual = stride == 1 and before == after

    def forward(self, x):
        expanded = self.expand(x)
        result = self.project(self.depthwise(expanded))
        return (x + result if self.residual else result), expanded


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = convolution(3, 32, 3, 2)
        self.blocks, before = nn.ModuleList(), 32
        for expansion, after, repetitions, stride in BLOCKS:
            for number in range(repetitions):
                self.blocks.append(Bottleneck(before, after, expansion, stride if number == 0 else 1))
                before = after
        self.last = convolution(320, 1280)
        before, extras = 1280, []
        for squeezed, widened in EXTRAS:
            deep = convolution(squeezed, squeezed, 3, 2, squeezed)
            extras.append(nn.Sequential(convolution(before, squeezed), deep, convolution(squeezed, widened)))
            before = widened
        self.extras = nn.ModuleList(extras)
        self.boxes, self.classes = (
            nn.ModuleList(
                nn.Sequential(convolution(wide, wide, 3, 1, wide), nn.Conv2d(wide, count * values, 1))
                for wide, count in MAPS
            )
            for values in (4, CLASSES + 1)
        )

    def forward(self, images):
        x, maps = self.first(images), []
        for number, block in enumerate(self.blocks):
            x, expanded = block(x)
            if number == 13:
                maps.append(expanded)
        maps.append(self.last(x))
        for extra in self.extras:
            maps.append(extra(maps[-1]))
        return [
            torch.cat([head(x).permute(0, 2, 3, 1).reshape(len(x), -1, values) for head, x in zip(heads, maps)], 1)
            for heads, values in ((self.boxes, 4), (self.classes, CLASSES + 1))
        ]


def multibox_loss(box_targets, class_targets, boxes, logits):
    positive = (class_targets > 0).float()
    matched = positive.sum().clamp(min=1.0)
    localisation = (functional.smooth_l1_loss(boxes, box_targets, reduction="none").sum(-1) * positive).sum()
    wanted = functional.one_hot(class_targets, CLASSES + 1)[..., 1:].float()
    entropy = functional.binary_cross_entropy_with_logits(logits[..., 1:], wanted, reduction="none")
    weight = wanted * 0.25 + (1 - wanted) * 0.75
    return (localisation + (weight * (1 - torch.exp(-entropy)) ** 2 * entropy).sum()) / matched


def main() -> None:
    torch.manual_seed(42)
    model = Detector().to(memory_format=torch.channels_last).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    images = torch.rand(BATCH, 3, 300, 300).mul(2).sub(1).to(memory_format=torch.channels_last)
    targets = torch.zeros(BATCH, ANCHORS, 4), torch.zeros(BATCH, ANCHORS, dtype=torch.long)
    targets[1][:, ::200] = 1
    seconds = []
    for _ in range(int(sys.argv[1])):
        began = time.perf_counter()
        optimizer.zero_grad()
        loss = multibox_loss(*targets, *model(images))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        loss.item()
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"step": statistics.median(seconds[3:]), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
