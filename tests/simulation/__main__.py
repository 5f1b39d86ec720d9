"""The simulation as a command; the package says how it is used."""

import argparse
import sys
import time

from tests.simulation import __doc__ as description
from tests.simulation.search import FailedSchedule, chunks, play, report, search, shortest, simulated, wander


def main() -> int:
    """Returns 1 where a schedule broke a rule."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schedules", type=int, default=2000, help="how many to try (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first one (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="try this one only, and show what happens")
    parser.add_argument("--jobs", type=int, help="processes (default: one a core)")
    options = parser.parse_args()
    if options.seed is not None:
        return _show(options.seed)
    began = time.monotonic()

    def progress(done: int) -> None:
        line = f"{done} of {options.schedules} schedules, {done / (time.monotonic() - began):.0f}/s "
        # Over the last one, on a terminal.
        sys.stderr.write(f"\r{line}" if sys.stderr.isatty() else f"{line}\n")
        sys.stderr.flush()

    seeds = range(options.first, options.first + options.schedules)
    failure = search(chunks(seeds), options.jobs, progress).failure
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    sys.stdout.write((report(shortest(failure)) if failure else "Every schedule ended well.") + "\n")
    return 1 if failure else 0


def _show(seed: int) -> int:
    trace: list[str] = []
    with simulated():
        try:
            schedule, _ = wander(seed)
            play(schedule, trace)
        except FailedSchedule as failed:
            sys.stdout.write(f"{report(shortest(failed.failure))}\n")
            return 1
    sys.stdout.write("\n".join([*trace, "Every rule holds.", ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
