"""The error that a user can act on, and the check of activations that raises it."""

from collections.abc import Iterable


class InputError(Exception):
    """Something in the input or the configuration is wrong.

    The message names the file, record or config key and says what to do; scripts show it without a traceback.
    """


def check_finite(finite: Iterable[bool], accessions: Iterable[str], place: str) -> None:
    """Raise InputError with the first of the sequences whose activations at a place of the model are not finite."""
    for whole, accession in zip(finite, accessions, strict=True):
        if not whole:
            raise InputError(
                f"The output of {place} is not finite for {accession}.\n"
                "The model's weights are broken: train it anew, with a lower learning rate or `model.precision: fp32`."
            )
