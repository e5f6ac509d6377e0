"""`python -m pynats_bench.tls`: processor time per message and engine, sealing and opening."""

from __future__ import annotations

import argparse

from pynats_server.core.sockets.layer import MORE, READY, Layer
from pynats_server.tls.engine import ENGINES, Engine
from pynats_server.tls.engine.library import Unusable
from pynats_server.tls.plan import CertificateAndKey, ContextPlan

from pynats_bench.tls.certificate import self_signed
from pynats_bench.tls.records import exchange

CASES = ((128, 1), (128, 128), (4096, 1), (16384, 1), (16384, 6), (262144, 1))


def pair(engine: Engine) -> tuple[Layer, Layer]:
    """A client and a server that have met."""
    certificate, key = self_signed()
    server = engine.server_context(ContextPlan((CertificateAndKey((certificate,), key),))).layer()
    client = engine.client_context(ContextPlan()).layer()
    answers = {client: client.greet(b""), server: MORE}
    for one, other in ((client, server), (server, client)) * 5:
        said = one.take()
        if answers[other] == MORE:
            answers[other] = other.greet(said)
        elif said:
            other.open(said)
    if set(answers.values()) != {READY}:
        raise RuntimeError(client.failure() or server.failure())
    return client, server


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(prog="python -m pynats_bench.tls", description=__doc__)
    parser.add_argument("--lots", type=int, default=200, help="of up to 64 reads, per case")
    lots = parser.parse_args().lots
    print("| engine | size | messages a read | seal µs | open µs | GB/s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for build in ENGINES.values():
        try:
            engine = build()
        except Unusable as fault:
            print(f"| {fault} |")
            continue
        for size, burst in CASES:
            client, server = pair(engine)
            exchange(client, server, size, burst, max(1, lots // 10))
            count, sealing, opening = exchange(client, server, size, burst, lots)
            speed = size * count / max(sealing, opening)
            print(
                f"| {engine.name} | {size} | {burst} | {sealing / count / 1000:.2f} "
                f"| {opening / count / 1000:.2f} | {speed:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
