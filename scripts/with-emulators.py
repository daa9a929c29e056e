#!/usr/bin/env python3
"""Runs a command with emulators of AWS behind it, and ends them with it.

    scripts/with-emulators.py [--host ADDRESS] COMMAND [ARGUMENT...]

DynamoDB Local stands in for DynamoDB and its streams, moto for everything else:
moto lets racing transactions win twice, so it must not stand in for DynamoDB.
Both keep their data in memory and listen on free ports. The command finds them by
AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_DYNAMODB and AWS_ENDPOINT_URL_DYNAMODB_STREAMS;
region and keys are made up, and no profile of the caller's is in its reach.

--host is the address that the endpoints are named by, 127.0.0.1 by default;
functions in containers need the one of Docker's bridge. DynamoDB Local listens on
all addresses whatever is asked: it has no option for it.

Ends with the command's exit code, or 125 when an emulator did not start.
"""
import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
TOOLS = TOP / ".tools"
STARTS_WITHIN = 60  # seconds; either needs about two on two cores


class Failed(Exception):
    """An emulator that cannot be used; the text says why and where its log is."""


class Emulator:
    """One server process, from its start to its end."""

    def __init__(self, name, host, logs, command):
        self.name, self.log = name, logs / f"{name}.log"
        port = free_port(host)
        self.url = f"http://{host}:{port}"
        with open(self.log, "wb") as log:
            # A session of its own: Ctrl-C is for the command, which may still
            # need the emulator to end well.
            self.process = subprocess.Popen(
                [part.format(host=host, port=port) for part in command],
                cwd=logs, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def wait_until_it_answers(self):
        give_up = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=2).close()
                return
            except urllib.error.HTTPError:
                return  # an answer, whatever it says
            except OSError as error:
                reason = error
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended with exit code {self.process.returncode}; its log: {self.log}")
            if time.monotonic() > give_up:
                raise Failed(f"{self.name} did not answer at {self.url} within {STARTS_WITHIN} s ({reason}); its log: {self.log}")
            time.sleep(0.1)

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port(host):
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            raise Failed(f"{host} is no address of this machine ({error})") from error
        return probe.getsockname()[1]


def environment(moto, dynamodb):
    """The caller's environment, without a way to a real account."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env.update(
        AWS_ENDPOINT_URL=moto.url,
        AWS_ENDPOINT_URL_DYNAMODB=dynamodb.url,
        AWS_ENDPOINT_URL_DYNAMODB_STREAMS=dynamodb.url,
        AWS_REGION="eu-central-1",
        AWS_DEFAULT_REGION="eu-central-1",
        AWS_ACCESS_KEY_ID="emulated",  # DynamoDB Local takes letters and digits alone
        AWS_SECRET_ACCESS_KEY="emulated",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
    )
    return env


def run(command, env):
    """Runs the command to its end, handing on what should end it early."""
    try:
        child = subprocess.Popen(command, env=env)
    except OSError as error:
        raise Failed(f"cannot run {command[0]}: {error.strerror}") from error
    # The terminal sends Ctrl-C to the command by itself.
    signal.signal(signal.SIGINT, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: child.send_signal(number))
    code = child.wait()
    return 128 - code if code < 0 else code


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].strip())
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    if not args.command:
        parser.error("no command given")
    if subprocess.run([TOP / "scripts/tools", "python", "dynamodb"]).returncode != 0:
        return 125

    # Ended from outside while the emulators start: leave by way of "finally".
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(125))
    logs = Path(tempfile.mkdtemp(prefix="emulators-"))
    started = []
    code = 125
    try:
        started.append(Emulator("moto", args.host, logs, [
            str(TOOLS / "venv/bin/moto_server"), "--host", "{host}", "--port", "{port}"]))
        started.append(Emulator("dynamodb-local", args.host, logs, [
            "java", f"-Djava.library.path={TOOLS}/dynamodb", "-cp", f"{TOOLS}/dynamodb/*",
            "software.amazon.dynamodb.services.local.main.ServerRunner",
            "-inMemory", "-sharedDb", "-disableTelemetry", "-port", "{port}"]))
        for emulator in started:
            emulator.wait_until_it_answers()
        code = run(args.command, environment(*started))
    except Failed as failure:
        print(f"scripts/with-emulators.py: {failure}", file=sys.stderr)
    except KeyboardInterrupt:
        code = 130
    finally:
        for emulator in started:
            emulator.end()
        if code == 0:
            shutil.rmtree(logs, ignore_errors=True)
        else:
            print(f"scripts/with-emulators.py: the emulators' logs are in {logs}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
