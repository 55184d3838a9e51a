"""What this library raises when the caller, a file or a training run is at fault."""


class UserError(ValueError):
    """Something the user gave cannot be used; the message says what was expected and what came."""


class DatasetError(UserError):
    """A data set's file or folder is not what its format says."""


class RunError(UserError):
    """A run's folder or settings cannot be used."""


class TrainingFailedError(RuntimeError):
    """Training itself went wrong, for example because the loss is no longer finite."""
