"""What README.md says to paste works as it stands there, whatever the shop's port is."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from contract import EVENTS
from retail_ops.local.local_shop import LocalShop
from retail_ops.stack.shop import PROJECT


def test_the_walk_through_with_curl_ends_with_a_confirmed_order(local_shop: LocalShop) -> None:
    readme = (PROJECT / "README.md").read_text()
    pasted = re.search(r"## Try it with curl.*?```sh\n(.*?)```", readme, re.DOTALL)
    assert pasted
    programs = Path(sys.executable).parent
    environment = {
        **os.environ,
        "CLOUDRETAIL_STATE_DIR": str(local_shop.state_dir),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    # The catalogue, as `make up` fills it.
    subprocess.run([programs / "cloudretail", "seed"], env=environment, capture_output=True, check=True)
    done = subprocess.run(
        [str(shutil.which("bash")), "-euo", "pipefail", "-c", pasted[1]],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    events = {event.event_type.name for event in EVENTS}
    story = [line for line in said if line in events]
    assert story == ["OrderPlaced", "InventoryReserved", "PaymentSucceeded"], done.stdout
    assert re.fullmatch(r"Order \w+ confirmed", said[-1]), done.stdout
