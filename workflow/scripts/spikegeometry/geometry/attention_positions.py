"""What each position of the gene receives of the attention, sequence by sequence on the slots of the reference."""

import torch
from torch import Tensor


def slot_profiles(profiles: Tensor, slots: Tensor, number: int) -> Tensor:
    """What each slot of the reference receives, (H, number), from profiles (H, m) of a sequence whose k-mers lie there.

    In units of an even share, 1/m; the mean where several k-mers lie in one of the `slots` (m,), NaN where none does.
    What lies before the first slot, as what is inserted there does, or behind the last is left out.
    """
    inside = (slots >= 0) & (slots < number)
    kmers = torch.zeros(number, dtype=torch.float64).index_add(
        0, slots[inside], torch.ones_like(slots[inside]).double()
    )
    sums = torch.zeros(len(profiles), number, dtype=torch.float64)
    sums.index_add_(1, slots[inside], profiles[:, inside].double())
    return profiles.shape[1] * sums / torch.where(kmers > 0, kmers, torch.nan)
