"""The files of a GPU's clients: the three drivers' ways to write them, and any text at all."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from echodeck.sources.fdinfo import Client, Clients, open_files, parse, percent

I915 = """drm-driver:	i915
drm-client-id:	12
drm-pdev:	0000:00:02.0
drm-total-system0:	1 GiB
drm-resident-system0:	512 MiB
drm-resident-local0:	3 MiB
drm-engine-render:	900000000 ns
drm-engine-video:	100 ns
drm-engine-capacity-video:	2
"""


def test_the_keys_of_three_drivers() -> None:
    assert parse(I915) == Client("0000:00:02.0", "12", 3 * 2**20, 512 * 2**20,
                                 {"render": (9e8, 0.0), "video": (50.0, 0.0)})
    amdgpu = "drm-client-id: 1\ndrm-pdev: a\ndrm-memory-vram: 5 KiB\ndrm-resident-vram: 6 KiB\ndrm-memory-gtt: 7 KiB\n"
    assert parse(amdgpu) == Client("a", "1", 6 * 1024, 7 * 1024)
    xe = "drm-client-id: 1\ndrm-pdev: a\ndrm-cycles-rcs: 10\ndrm-total-cycles-rcs: 40\n"
    assert parse(xe) == Client("a", "1", busy={"rcs": (10.0, 40.0)})


@given(st.text() | st.lists(st.sampled_from(I915.splitlines())).map("\n".join) | st.text(
    alphabet="drm-engicaptysvlo0:\t 9KiB\n"))
def test_any_text_is_a_client_or_none(text: str) -> None:
    client = parse(text)
    assert client is None or (client.id and client.pci_id and client.vram_bytes >= 0)


@given(st.floats(0, 1e12), st.floats(0, 1e12), st.floats(0, 100))
def test_a_share_is_never_out_of_bounds(before: float, after: float, elapsed_s: float) -> None:
    found = percent(Client("a", "1", busy={"gfx": (before, 0.0)}), Client("a", "1", busy={"gfx": (after, 0.0)}),
                    elapsed_s)
    assert 0.0 <= found["gfx"] <= 100.0


def test_clients_share_a_card_and_processes_clients(tree: Any, clock: Any) -> None:
    def text(client: int, used: int, card: str = "a") -> str:
        return f"drm-client-id: {client}\ndrm-pdev: {card}\ndrm-memory-vram: 1 KiB\ndrm-engine-gfx: {used} ns\n"

    for pid, descriptor, client, card in ((10, 3, 1, "a"), (10, 4, 2, "a"), (11, 3, 1, "a"), (12, 3, 9, "b")):
        tree.client(pid, descriptor, text(client, 0, card))
    clients = Clients(tree.root, clock)
    clients.processes("a")
    clock.now += 4.0
    tree.client(10, 3, text(1, 1_000_000_000))
    tree.client(10, 4, text(2, 2_000_000_000))
    assert [(one.pid, one.vram_bytes, one.util_percent) for one in clients.processes("a")] == [(10, 2048, 50.0)]
    assert (clients.busy_percent("a"), clients.busy_percent("b"), clients.busy_percent("c")) == (75.0, 0.0, None)


def test_who_ends_is_missed_and_who_comes_is_found(tree: Any, clock: Any) -> None:
    tree.client(10, 3, "drm-client-id: 1\ndrm-pdev: a\n")
    clients = Clients(tree.root, clock)
    assert len(clients.processes("a")) == 1
    tree.remove("proc/10")
    tree.client(11, 3, "drm-client-id: 1\ndrm-pdev: a\n")
    clock.now += 2.0
    assert clients.processes("a") == ()
    clock.now += 10.0
    assert [one.pid for one in clients.processes("a")] == [11]


def test_a_machine_without_proc_has_no_clients(tree: Any) -> None:
    assert open_files(tree.root / "proc") == []
