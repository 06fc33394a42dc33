"""Serves MiniStack on a free port of the loopback until standard input ends.

The port is the first line of standard output. A line `age DAYS` on standard input makes every secret that
much older, which no API can, and is answered with `aged COUNT`.

Calls are recorded for LookupEvents. Two things in which MiniStack's records differ from CloudTrail's are put right
here: it keeps the parameters of a call as they were sent (`SecretId` for `secretId`), and it names a caller after the
access key, while GetCallerIdentity calls the same one the root of the account.
"""

import asyncio
import json
import logging
import os
import socket
import sys
import threading

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(100)
port = listener.getsockname()[1]
os.environ.update(
    BIND_HOST="127.0.0.1",
    GATEWAY_PORT=str(port),
    CLOUDTRAIL_RECORDING="1",
    LOG_LEVEL="ERROR",
    # These listen on every interface, whatever BIND_HOST says.
    SFTP_ENABLED="0",
    IOT_MTLS_ENABLED="0",
)

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app
from ministack.services import cloudtrail, secretsmanager

record = cloudtrail.record_event


def record_as_aws_does(**call):
    record(**call)
    entry = cloudtrail._get_event_queue()[-1]
    event = json.loads(entry["CloudTrailEvent"])
    account = event["recipientAccountId"]
    event["userIdentity"] = {
        "type": "Root",
        "principalId": account,
        "arn": f"arn:aws:iam::{account}:root",
        "accountId": account,
        "accessKeyId": call["access_key_id"],
    }
    event["requestParameters"] = {
        name[:1].lower() + name[1:]: value for name, value in event["requestParameters"].items()
    }
    entry["CloudTrailEvent"] = json.dumps(event)


cloudtrail.record_event = record_as_aws_does


def age(days):
    secrets = list(secretsmanager._secrets._data.values())
    for secret in secrets:
        for date in ("CreatedDate", "LastChangedDate"):
            secret[date] -= days * 86400
    return len(secrets)


def obey():
    for line in sys.stdin:
        print("aged", age(int(line.split()[1])), flush=True)
    os._exit(0)


async def run():
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.loglevel = "ERROR"
    threading.Thread(target=obey, daemon=True).start()
    print(port, flush=True)
    await serve(app, config)


logging.disable(logging.WARNING)
asyncio.run(run())
