"""What can go wrong with files and stores. Every message is a French template, see `geo.errors`."""

from __future__ import annotations

from geo.errors import HexacrossError


class DataError(HexacrossError):
    """Base class of this room."""


class UnreadableFileError(DataError, ValueError):
    """A file that no reader can take: empty, binary, truncated, unknown layout, undecodable."""


class PersonalDataError(DataError, ValueError):
    """A file with a column that looks like personal data; nothing of it was read in."""


class MappingError(DataError, ValueError):
    """A TOML mapping that is wrong in itself or does not fit its file."""


class QueryError(DataError, ValueError):
    """A query or a view that cannot be answered as put."""


class ForbiddenError(DataError):
    """The viewer has no right to what was asked."""


class StoreError(DataError):
    """The store cannot be used: locked, unwritable, full, damaged, unreachable."""


class UnreachableError(StoreError):
    """The store's server does not answer; it may come back by itself."""


class StoreVersionError(StoreError):
    """The store was made by a newer version of Hexacross."""


class ReferenceListError(DataError, ValueError):
    """A reference list or geography that contradicts itself."""
