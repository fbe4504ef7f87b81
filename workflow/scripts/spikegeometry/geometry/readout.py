"""What the classifier reads out of [CLS]."""

import torch
from torch import Tensor
from torch.nn import functional


def classifier_outputs(cls: Tensor, head: dict[str, Tensor]) -> dict[str, Tensor]:
    """What the classifier makes of [CLS] in the output of the last layer (n, d): pooled, logits and softmax.

    `head` is from `spikegeometry.model.weights.read_head`.
    """
    pooled = torch.tanh(functional.linear(cls, head["pooler.weight"], head["pooler.bias"]))
    logits = functional.linear(pooled, head["classifier.weight"], head["classifier.bias"])
    return {"pooled": pooled, "logits": logits, "softmax": logits.softmax(dim=-1)}
