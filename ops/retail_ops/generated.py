"""Files that are generated and committed: finding and writing those that are out of date."""

from collections.abc import Iterable, Mapping
from pathlib import Path


def outdated(files: Mapping[Path, str], there: Iterable[Path]) -> list[Path]:
    """The files that differ from what would be generated, including files that nothing generates any more.

    Args:
        files: the content that each file should have.
        there: the files that exist in the generated folders.
    """
    known = {*there, *files}
    return sorted(path for path in known if not path.exists() or path.read_text() != files.get(path))


def write(files: Mapping[Path, str], there: Iterable[Path]) -> list[Path]:
    """Bring the files up to date; arguments and return value are those of `outdated`."""
    changed = outdated(files, there)
    for path in changed:
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path])
        else:
            path.unlink()
    return changed
