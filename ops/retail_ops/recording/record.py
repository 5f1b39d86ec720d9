"""Records the sample invocations in events/, from a shop of its own, so that the same code gives the same samples."""

import json
import tempfile
from pathlib import Path
from typing import Any

from retail_ops import generated
from retail_ops.local.local_shop import LocalShop
from retail_ops.local.processes import free_port
from retail_ops.progress import Progress
from retail_ops.recording import stripe
from retail_ops.recording.invocations import Recorder
from retail_ops.recording.normal import Normal
from retail_ops.recording.samples import EVENTS, INDEX, REPORTED, ROWS, STRIPE, STRIPE_CASE, folder_of, kebab, outcome
from retail_ops.recording.story import Story
from retail_ops.stack import catalogue
from retail_ops.stack.shop import Shop
from retail_ops.stack.template import Template


def record(progress: Progress) -> dict[Path, str]:
    """Start a shop, record the story in it, and end it.

    Args:
        progress: called with each step, a sentence.

    Returns:
        The content of each file in events/.

    Raises:
        OpsError: the shop does not start, or does something that the story does not expect.
    """
    with tempfile.TemporaryDirectory() as folder:
        local = LocalShop(
            Path(folder),
            port=free_port(),
            storefront_port=free_port(),
            stack="recording",
            parameters={"TokenSeconds": "1"},
        )
        try:
            return files_of(local.start(progress, warm=False), Path(folder), progress)
        finally:
            local.stop()


def files_of(shop: Shop, folder: Path, progress: Progress) -> dict[Path, str]:
    """Record the story in a new shop, which is not used for anything else afterwards.

    Args:
        shop: a local one.
        folder: takes the raw recordings.
        progress: called with each step, a sentence.

    Returns:
        The content of each file in events/.
    """
    recordings = folder / "recordings"
    recordings.mkdir()
    recorder = Recorder(shop, recordings)
    with progress.step("Put a recorder in front of every function"):
        recorder.install()
        recorder.one_at_a_time()
    story = Story(shop, recorder, Normal(shop), Template.load())
    story.play(catalogue.load(), progress)
    return _files(story)


def _files(story: Story) -> dict[Path, str]:
    files: dict[Path, str] = {}
    index: list[dict[str, Any]] = []
    for sample in story.samples:
        name = f"{folder_of(sample.function)}/{sample.case}"
        files[EVENTS / f"{name}.json"] = _json(story.normal.event(name, sample.event))
        index.append({"function": sample.function, "case": sample.case, "answer": outcome(sample.event, sample.answer)})
    # Stripe says nothing to a shop without an account there: its events are as it documents them.
    recorded = json.loads(files[EVENTS / f"{folder_of(REPORTED)}/attempt-reported.json"])
    for kind, said, batch in stripe.batches(recorded):
        files[STRIPE / f"{kind}.json"] = _json(said)
        case = STRIPE_CASE.format(kebab(kind.replace(".", "_")))
        files[EVENTS / f"{folder_of(REPORTED)}/{case}.json"] = _json(batch)
        index.append({"function": REPORTED, "case": case, "answer": []})
    files[ROWS] = _json(story.normal.event("rows", story.rows))
    lines = ",\n  ".join(json.dumps(entry) for entry in index)
    files[INDEX] = f"[\n  {lines}\n]\n"
    return files


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def changed(files: dict[Path, str]) -> list[Path]:
    """The files that differ from the recording, including files that nothing records any more."""
    return generated.outdated(files, EVENTS.rglob("*.json"))


def write(files: dict[Path, str]) -> list[Path]:
    """Bring events/ up to date; returns the files that were out of date."""
    return generated.write(files, EVENTS.rglob("*.json"))
