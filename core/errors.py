"""Errors whose text is meant for the user.

Every message names the thing (usually a file), says what is wrong with it and what to do about it. The command line
prints the message and exits with 1; the desktop shows it as a notice. Anything else that escapes is a bug.
"""


class SerrError(Exception):
    """Base of every error that a user can cause or cure."""


class InputError(SerrError):
    """A file or folder that was given cannot be used: unreadable, damaged, of the wrong kind or size."""


class ArgumentError(SerrError, ValueError):
    """A function of ``serr`` was called with an argument of the wrong kind, shape or range."""


class FieldOfViewError(InputError):
    """No field of view can be found in a photograph, or the given one does not fit it."""


class LabelError(InputError):
    """An expert label is missing, empty, or does not fit its photograph."""


class WeightsError(SerrError):
    """A weights file is missing, damaged, unsafe (pickle), or made for another network."""


class NameTakenError(WeightsError):
    """Another model has the name."""


class StyleError(WeightsError):
    """The model has no drawing style of that name."""


class OutputError(SerrError):
    """A result cannot be written: the folder is read-only, full, or not a folder."""


class DeviceError(SerrError):
    """The device that was asked for is not there, or ran out of memory with nothing left to fall back on."""


class EngineError(SerrError):
    """The engine that was asked for is not installed, or cannot run this network in this way."""


class TrainingError(SerrError):
    """A training run cannot start or continue: bad configuration, data that does not fit, a broken checkpoint."""


class DoubtWarning(UserWarning):
    """Something makes a result or a score doubtful; the text says what. ``serr`` issues it, and continues."""
