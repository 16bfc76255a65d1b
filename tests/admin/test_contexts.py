"""A context's page: who is what and why, reading it now, pausing it, and how fresh it is to be."""

import html
import re

import pytest

from tests.admin.conftest import student, words


def test_members_are_shown_with_both_roles_and_the_reason(site, operator, context, context_path):
    site.wiring.sync(context)

    page = words(operator.get(context_path))

    assert "Enrolled: 12 students, 1 teacher." in page
    assert "teacher at the school: teacher Instructor , urn:example:role:wizard" in page
    assert "urn:example:role:wizard : not a role that the bridge knows" in page
    assert "Enrolled as student: the lowest rank among the roles that count decides." in page


def test_member_without_enrollment_is_explained(site, lms, operator, context, context_path):
    lms.members["Course-1"].append(student(30, roles=[]))
    site.wiring.sync(context)

    assert "Not enrolled: the platform lists no role." in words(operator.get(context_path))


def test_sync_now_is_told_of_until_it_is_done(site, operator, context, context_path):
    assert site.wiring.hold_scheduler_lease()
    operator.post(f"{context_path}sync", shown_at=context_path)
    waiting = operator.get(f"{context_path}progress").json()

    site.carry_out()

    done = operator.get(f"{context_path}progress").json()
    assert waiting == {"busy": True, "sentence": "The roster is about to be read.", "run": None}
    assert (done["busy"], done["run"]) == (False, 1)
    assert "13 added" in done["sentence"]


def test_progress_tells_how_many_were_read_so_far(site, lms, operator, context, context_path):
    told = []
    lms.members["Course-1"] = [student(number) for number in range(450)]
    with site.wiring.holding(context) as renew:
        told.append(operator.get(f"{context_path}progress").json()["sentence"])
        renew(400)
        told.append(operator.get(f"{context_path}progress").json()["sentence"])

    assert told == ["The roster is being read.", "The roster is being read: 400 members so far."]


def test_page_says_where_no_scheduler_runs(site, operator, context_path):
    operator.post(f"{context_path}sync", shown_at=context_path)

    assert "no scheduler runs" in words(operator.page)


def test_pause_and_resume(site, operator, context, context_path):
    operator.post(f"{context_path}pause", shown_at=context_path, reason="exam week")
    site.carry_out()
    assert "by ada: exam week" in words(operator.get(context_path))

    operator.post(f"{context_path}resume", shown_at=context_path)
    site.carry_out()

    assert not site.wiring.registry.pauses.contexts()


@pytest.mark.parametrize(("hours", "own"), [("6", 6), ("0", None)])
def test_freshness_target(site, operator, context, context_path, hours, own):
    operator.post(f"{context_path}freshness", shown_at=context_path, hours=hours)

    assert site.wiring.registry.targets.of(context.tenant, context.key) == own


@pytest.mark.parametrize("hours", ["-1", "99999", "often", ""])
def test_freshness_target_that_makes_no_sense_is_refused(site, operator, context, context_path, hours):
    operator.post(f"{context_path}freshness", shown_at=context_path, hours=hours)

    assert "must be a whole number of hours" in words(operator.page)
    assert site.wiring.registry.targets.all() == {}


def test_members_come_in_pages(site, lms, operator, context, context_path):
    lms.members["Course-1"] = [student(number) for number in range(60)]
    site.wiring.sync(context)

    first = operator.get(context_path).text
    second = operator.get(f"{context_path}?offset=50").text

    assert (first.count('<tr>\n  <th scope="row"'), second.count('<tr>\n  <th scope="row"')) == (50, 10)
    assert "?offset=50" in first
    assert "First page" in second


def test_unknown_context_is_not_found(operator, context):
    assert operator.get("/admin/contexts/school/WyJub25lIl0/").status_code == 404
    assert operator.get("/admin/contexts/school/%25%25/").status_code == 404


def test_run_shows_each_record_before_and_after(site, lms, operator, context):
    site.wiring.sync(context)
    lms.members["Course-1"][1]["roles"] = ["Instructor"]
    run = site.wiring.sync(context)

    page = words(operator.get(f"/admin/runs/{run.id}"))

    assert "role student teacher" in page
    assert "changed enrollments" in page


def test_run_tells_in_plain_words_why_a_member_was_quarantined(site, lms, operator, context):
    lms.members["Course-1"].append({"roles": ["Learner"], "name": "Nobody Knows"})
    run = site.wiring.sync(context)

    page = words(operator.get(f"/admin/runs/{run.id}"))

    assert "The platform does not say who this is: there is no user_id." in page
    assert "Nobody Knows" not in page


def test_platform_lists_its_contexts_and_finds_one(site, operator, context):
    assert "Algebra I" in words(operator.get("/admin/platforms/1?search=algeb"))
    assert "Algebra I" not in words(operator.get("/admin/platforms/1?search=biology"))


def test_platform_is_asked_for_a_token(site, operator, context):
    operator.post("/admin/platforms/1/check", shown_at="/admin/platforms/1")

    assert "gives an access token" in words(operator.page)


def test_platform_that_fails_says_so_on_the_dashboard(site, lms, operator, context):
    del lms.members["Course-1"]
    site.wiring.sync(context)

    page = words(operator.get("/admin/"))

    assert "failing No roster could be read yet." in page
    assert "it did not answer usefully" in page


def test_last_sync_is_told_in_words_and_exactly(site, operator, context, clock):
    site.wiring.sync(context)
    clock.turn(minutes=3)

    page = operator.get("/admin/").text

    assert 'title="2026-11-20 08:00:00 UTC" tabindex="0">3 minutes ago</time>' in page


def test_plot_tells_the_days_in_words_too(site, lms, stranger, context, clock):
    site.wiring.sync(context)
    clock.turn(days=1)
    lms.members["Course-1"].append(student(50))
    site.wiring.sync(context)

    page = words(stranger.sign_in())

    assert "the number of people went from 0 to 14" in page
    assert "2026-11-21 14 1 0 0 2026-11-20 13 13 0 0" in page


def test_many_quarantined_members_come_in_pages(site, lms, operator, context):
    lms.members["Course-1"] += [{"roles": ["Learner"]} for _ in range(60)]
    run = site.wiring.sync(context)
    path = f"/admin/runs/{run.id}"

    shown, first = operator.get(path).text, operator.get(f"{path}/quarantine").text
    following = html.unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    second = operator.get(following).text

    said = "The platform does not say who this is"
    assert (shown.count(said), first.count(said), second.count(said)) == (20, 50, 10)
    assert "All 60 quarantined members" in words(operator.get(path))
    assert operator.get("/admin/runs/99/quarantine").status_code == 404


ARABIC = "\u0644\u064a\u0644\u0649"


def test_names_keep_the_direction_of_their_script(site, lms, operator, context, context_path):
    lms.members["Course-1"].append(student(40, given_name=ARABIC, family_name="x" * 200))
    site.wiring.sync(context)

    page = operator.post("/admin/personal", shown_at=context_path, page=context_path.removeprefix("/admin"), show="yes")

    assert f'<bdi dir="auto">{ARABIC} {"x" * 200}</bdi>' in page.text


def test_context_that_fails_says_since_when(site, lms, operator, context, context_path, clock):
    site.wiring.sync(context)
    del lms.members["Course-1"]
    for _ in range(2):
        clock.turn(minutes=10)
        site.wiring.sync(context)
    clock.turn(minutes=5)

    page = words(operator.get(context_path))
    assert "Failing since 15 minutes ago , at 2 attempts" in page
    assert "Run 3: it did not answer usefully; it is tried again by itself." in page
    assert "500" in page.partition("Run 3:")[2][:200]


def test_held_plan_is_led_to_from_its_context(operator, held, context_path):
    page = operator.get(context_path)

    assert "Members: 0 would come, 1 would change, 10 would go." in words(page)
    assert f'href="/admin/held/{held.id}"' in page.text
