"""The exceptions that stand for a user's mistake or a computer's limit rather than a programmer's mistake."""


class InputError(ValueError):
    """Bad input: a missing or damaged file, an unknown field, a value out of range.

    The message is one line that names the file, the field and what was expected; the command line
    prints it and exits with status 2, having written nothing.
    """


class OutputError(OSError):
    """An output cannot be written: the disk is full, read-only or failing, or the folder is not the user's.

    The message is one line that names the file and the reason; nothing is left in the file's place, and what stood
    there before still does. The command line prints it and exits with status 1.
    """
