"""`publish`: uploads the storefront's pages to AWS."""

from typing import Annotated

import typer

from retail_ops.console import err
from retail_ops.progress import Steps
from retail_ops.stack.publish import files, made_of, upload
from retail_ops.stack.shop import PROJECT, aws_session, read_stack
from retail_ops.stack.stages import region_of
from retail_ops.stack.storefront_build import Files
from retail_ops.stack.texts import Facts


def register(app: typer.Typer) -> None:
    app.command()(publish)


def publish(
    stack: Annotated[str, typer.Option("--stack", metavar="NAME", help="The deployed stack.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the files.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Upload the built storefront to a deployed shop. The local shop serves each build by itself."""
    shop = read_stack(stack, aws_session(region_of(stack)))
    build = files(Files(PROJECT / "frontend" / "dist").root)
    build = made_of(build, Facts.of(shop.outputs), shop.storefront_url)
    if dry_run:
        for file in build:
            err.print(f"{file.key} -> {shop.output('StorefrontBucket')}")
        return
    if not yes:
        typer.confirm(f"Publish {len(build)} files at {shop.storefront_url}?", abort=True, err=True)
    with Steps(err).step("Publish the storefront") as note:
        upload(shop, build, note)
