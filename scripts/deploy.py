"""Builds the functions and deploys them: `make deploy ENV=test`.

    .tools/venv/bin/python scripts/deploy.py --env ENV [--architecture ARCH] [--force] [-- SAM-OPTION...]

It does two things that `sam build` and `sam deploy` do not:

It builds for the architecture that the stack will have. That is the one asked for,
else samconfig.toml's, else the one that the stack has, else the template's default.
SAM tells the build nothing of it, and deploys a binary that cannot start.

It stops, without --force, when the stack is about to charge with an empty ledger
although an earlier stack left a full one behind, or with no subscriptions beside
those of an earlier one (cmd/ledgercheck).
"""
import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
import tomlkit
from botocore.exceptions import BotoCoreError, ClientError
from samcli.cli.types import CfnParameterOverridesType
from samcli.yamlhelper import yaml_parse

TOP = Path(__file__).resolve().parent.parent
SAM = os.environ.get("SAM", str(TOP / ".tools/venv/bin/sam"))
EMPTY_LEDGER = 3  # ledgercheck's exit code for it, and for a table of subscriptions


class Failed(Exception):
    """What stops the deployment; the text says what to do."""


def settings(file, env):
    """What samconfig.toml says of an environment's deployment."""
    config = tomlkit.parse(file.read_text()).unwrap()
    found = config.get(env, {}).get("deploy", {}).get("parameters")
    if not found or "stack_name" not in found:
        raise Failed(f"{file.name} has no stack_name in [{env}.deploy.parameters]")
    return found


def overrides(given):
    """parameter_overrides as a dictionary, read as SAM reads them."""
    return CfnParameterOverridesType().convert(given, None, None) if given else {}


def parameters(said):
    """The settings that the stack has, none if there is no stack yet."""
    session = boto3.Session(region_name=said.get("region"), profile_name=said.get("profile"))
    try:
        stacks = session.client("cloudformation").describe_stacks(StackName=said["stack_name"])["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return {}
        raise
    return {p["ParameterKey"]: p["ParameterValue"] for p in stacks[0].get("Parameters", [])}


def forgets_charges(said):
    """Whether the stack would charge with an empty ledger beside a full one."""
    env = dict(os.environ)
    for setting, variable in (("region", "AWS_REGION"), ("profile", "AWS_PROFILE")):
        if said.get(setting):
            env[variable] = said[setting]
    with tempfile.TemporaryDirectory() as folder:
        # Built, because `go run` does not hand on exit codes.
        run("go", "build", "-o", f"{folder}/ledgercheck", "./cmd/ledgercheck")
        code = subprocess.run([f"{folder}/ledgercheck", "-stack", said["stack_name"]], cwd=TOP, env=env).returncode
    if code not in (0, EMPTY_LEDGER):
        raise Failed("the ledgers could not be compared")
    return code == EMPTY_LEDGER


def run(*command, **env):
    code = subprocess.run(command, cwd=TOP, env={**os.environ, **env}).returncode
    if code != 0:
        raise Failed(f"{Path(command[0]).name} {command[1]} ended with exit code {code}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].strip())
    parser.add_argument("--env", required=True)
    parser.add_argument("--architecture")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("sam_options", nargs="*")
    args = parser.parse_args()
    config = TOP / "samconfig.toml"

    said = settings(config, args.env)
    wanted = overrides(said.get("parameter_overrides"))
    # The first time, SAM asks for region and settings and writes them down.
    guided = bool({"--guided", "-g"} & set(args.sam_options))
    has = {}
    if not guided:
        has = parameters(said)
        if forgets_charges(said) and not args.force:
            raise Failed("nothing was deployed; FORCE=1 deploys all the same")
    default = yaml_parse((TOP / "template.yaml").read_text())["Parameters"]["Architecture"]["Default"]
    architecture = args.architecture or wanted.get("Architecture") or has.get("Architecture") or default
    wanted["Architecture"] = architecture

    run(SAM, "build", "--parameter-overrides", f"Architecture={architecture}", ARCH=architecture)
    run(SAM, "deploy", "--config-env", args.env, *args.sam_options,
        "--parameter-overrides", *(f'{name}="{value}"' for name, value in wanted.items()))
    if guided and forgets_charges(settings(config, args.env)):
        # Without the merchant's password nothing is charged yet.
        raise Failed("deployed, but set no secret before the ledger is the right one")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, ClientError, BotoCoreError) as failure:
        print(f"make deploy: {failure}", file=sys.stderr)
        sys.exit(1)
