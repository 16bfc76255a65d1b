"""Our signing keys, and the secrets that nobody else knows."""


def test_key_is_made_once_and_kept(registry, other_registry):
    assert registry.keys.current() == other_registry.keys.current()


def test_next_key_is_published_before_it_signs(registry):
    published = registry.keys.published()

    assert published[0] == registry.keys.current()
    assert registry.keys.rotate() == published[1]
    assert registry.keys.current() == published[1]


def test_retired_key_stays_published_for_a_week(registry, clock):
    retired = registry.keys.current()
    registry.keys.rotate()

    clock.turn(days=6)
    assert retired in registry.keys.published()
    clock.turn(days=2)
    assert retired not in registry.keys.published()


def test_every_kid_is_new(registry):
    kids = [registry.keys.current().kid]
    for _ in range(2):
        kids.append(registry.keys.rotate().kid)

    assert len({*kids, *(key.kid for key in registry.keys.published())}) == 4


def test_private_key_does_not_show_in_logs(registry):
    assert "PRIVATE" not in repr(registry.keys.current())


def test_secret_is_the_same_for_every_process(registry, other_registry):
    secret = registry.secrets.get("cursors")

    assert len(secret) == 32
    assert other_registry.secrets.get("cursors") == secret
    assert registry.secrets.get("another") != secret
