"""The one exception that stands for a user's mistake rather than a programmer's."""


class InputError(ValueError):
    """Bad input: a missing or damaged file, an unknown field, a value out of range.

    The message is one line that names the file, the field and what was expected; the command line
    prints it and exits with status 2, having written nothing.
    """
