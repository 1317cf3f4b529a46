# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The errors a user can cause. Each message is a sentence: what was found, what is allowed, what to do."""


class StdtrackError(Exception):
    """Base of every error that the node turns into a log line and the CLI into exit code 2."""


class InputError(StdtrackError, ValueError):
    """An image, a box or a message that cannot be used."""


class SettingError(StdtrackError, ValueError):
    """A parameter or a configuration file with a value that is not allowed."""


class ModelError(StdtrackError):
    """A model file that is missing, damaged, of another kind, or that cannot run here."""


class SequenceError(StdtrackError):
    """A bag, video, benchmark folder or shard that cannot be read."""


class TrainingError(StdtrackError):
    """A training run that learns nothing any more."""


def ending(error: BaseException) -> str:
    """Say in words what ended a run before its end."""
    if isinstance(error, KeyboardInterrupt):
        return "ended by the user"
    if isinstance(error, SystemExit):
        return "ended by a signal"
    return str(error) or type(error).__name__
