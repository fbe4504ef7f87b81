"""Cone index of the vectors on their way through a block, as they are and with what could rule it taken out."""

from dataclasses import replace

import torch
from torch import Tensor

from spikegeometry.geometry.cones import RANDOM, ConeIndex, centre, cone_index
from spikegeometry.geometry.heads import HeadTensors

STATISTICS = ("C", "R", "mean_cosine", *RANDOM, "zero_vectors")


def silence_rogue(vectors: Tensor, coordinates: int) -> Tensor:
    """The vectors (..., n, d) with the `coordinates` coordinates of highest variance in each set put to zero.

    A few such coordinates can rule every cosine (Timkey and van Schijndel, arXiv 2109.04404).
    """
    rogue = vectors.var(dim=-2, correction=0).topk(min(coordinates, vectors.shape[-1])).indices
    kept = torch.ones_like(vectors[..., 0, :]).scatter(-1, rogue, 0)
    return vectors * kept.unsqueeze(-2)


def cone_variants(vectors: Tensor, rogue_coordinates: int, floor: bool = True) -> dict[str, ConeIndex]:
    """Cone index of sets of vectors (..., n, d) as they are, centred, and without their rogue coordinates.

    Without `floor` what belongs to random directions is NaN: these are no yardstick for probabilities, which are never
    negative.
    """
    cones = {
        "all": cone_index(vectors),
        "centred": cone_index(centre(vectors), centred=True),
        "without_rogue": cone_index(
            silence_rogue(vectors, rogue_coordinates), max(vectors.shape[-1] - rogue_coordinates, 1)
        ),
    }
    if floor:
        return cones
    unknown = dict.fromkeys(RANDOM, torch.full(vectors.shape[:-2], torch.nan, dtype=torch.float64))
    return {variant: replace(cone, **unknown) for variant, cone in cones.items()}


def token_cone_variants(vectors: Tensor, rogue_coordinates: int) -> dict[str, ConeIndex]:
    """`cone_variants` of a sequence's token vectors (..., n, d), and without the first and last: [CLS] and [SEP]."""
    return cone_variants(vectors, rogue_coordinates) | {"without_special": cone_index(vectors[..., 1:-1, :])}


def sites(block_input: Tensor, tensors: HeadTensors, block_output: Tensor, heads: list[int]) -> dict[str, Tensor]:
    """Token vectors on their way through a block, by place: (n, d), and (len(heads), n, dh) for the 1-based `heads`."""
    return {
        "input": block_input,
        "head": tensors.z[[head - 1 for head in heads]],
        "concat": tensors.concat,
        "mha": tensors.mha,
        "attn_out": tensors.attention_output,
        "output": block_output,
    }


def embedding_sites(tokens: Tensor, embeddings: dict[str, Tensor]) -> dict[str, Tensor]:
    """Vectors of a sequence's token ids (n,) before the LayerNorm of the embeddings, by place: (n, d).

    `embed_word`: the word embedding alone; `embed_sum`: with those of the position and of the first type, which is
    what LayerNorm takes. `embeddings` is from `spikegeometry.model.weights.read_embeddings`.
    """
    word = embeddings["word"][tokens]
    return {"embed_word": word, "embed_sum": word + embeddings["position"][: len(tokens)] + embeddings["type"][0]}
