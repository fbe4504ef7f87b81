"""The error that a user can act on."""


class InputError(Exception):
    """Something in the input or the configuration is wrong.

    The message names the file, record or config key and says what to do; scripts show it without a traceback.
    """
