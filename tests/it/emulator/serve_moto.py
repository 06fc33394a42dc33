"""Serves moto on a free port of the loopback until standard input ends.

The port is the first line of standard output. A line `age DAYS` on standard input makes every secret that
much older, which no API can, and is answered with `aged COUNT`.
"""

import sys

from moto.secretsmanager import secretsmanager_backends
from moto.server import ThreadedMotoServer


def age(days):
    secrets = [
        secret
        for account in secretsmanager_backends.values()
        for backend in account.values()
        for secret in backend.secrets.values()
    ]
    for secret in secrets:
        if hasattr(secret, "created_date"):
            secret.created_date -= days * 86400
    return len(secrets)


server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
for line in sys.stdin:
    print("aged", age(int(line.split()[1])), flush=True)
server.stop()
