"""Files that are generated and committed: what is out of date, and bringing it up to date."""

from collections.abc import Iterable, Mapping
from pathlib import Path


def outdated(files: Mapping[Path, str], there: Iterable[Path]) -> list[Path]:
    """The files that are not as they would be generated, those included that nothing generates any more.

    Args:
        files: what each has to say.
        there: files that exist, and are generated if they have any business there.
    """
    known = {*there, *files}
    return sorted(path for path in known if not path.exists() or path.read_text() != files.get(path))


def write(files: Mapping[Path, str], there: Iterable[Path]) -> list[Path]:
    """Bring them up to date; the arguments are those of `outdated`, whose answer is returned."""
    changed = outdated(files, there)
    for path in changed:
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path])
        else:
            path.unlink()
    return changed
