"""The demo as a page to open: both channels as their local Slack holds them. Loads nothing."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sinks.peers.drawn import html_message, page
from sinks.words import many
from streams.demo_direct import CHANNEL as ALERTS
from streams.demo_figures import figures_of, page_of, peak_of
from streams.demo_services import CHANNEL

if TYPE_CHECKING:
    from streams.demo import Run

ALERTS_SHOWN: Final = 25

STYLE: Final = """<style>
main { max-width: 1480px; padding: 8px 20px 60px; }
.both { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 28px; }
.slack { border: 1px solid #ddd; border-radius: 8px; overflow: hidden; align-self: start; }
.slack > h3 { margin: 0; padding: 10px 20px; border-bottom: 1px solid #ddd; }
.story h2 { margin: 28px 0 8px; font-size: 20px; }
table { border-collapse: collapse; margin: 8px 0; }
td, th { border-bottom: 1px solid #ddd; padding: 5px 16px 5px 0; text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.direct .face { background: #362d59; }
@media (max-width: 900px) { .both { grid-template-columns: minmax(0, 1fr); } }
</style>"""


def write_page(run: Run, path: Path) -> Path:
    """Write the page and return its path.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    title = f"Stormfold demo: {many(len(run.material.events), 'alert')}"
    path.write_text(page(title, _body(run)), "utf-8")
    return path


def _body(run: Run) -> str:
    post = run.services.post_of(run.story.storm_id)
    assert post is not None
    replies = run.services.slack.replies(CHANNEL, post.ts)
    pager = "<br>".join(html.escape(line) for line in page_of(run.services))
    parts = [
        STYLE,
        '<div class="story"><h2>What reached people</h2>',
        _figures(run),
        '<h2>The storm</h2><div class="both">',
        _slack("While it lasted", html_message(peak_of(run.services, post))),
        _slack("In the end, with its thread", html_message(post, replies=replies)),
        f"</div><h2>The page, as PagerDuty received it</h2><p>{pager}</p>",
        "<h2>Errors that were there anyway</h2>",
        _ambient(run),
        '<h2>Both channels</h2><div class="both">',
        _direct(run),
        _stormfold(run),
        "</div></div>",
    ]
    return "\n".join(parts)


def _slack(title: str, messages: str, kind: str = "") -> str:
    return f'<div class="slack {kind}"><h3>{html.escape(title)}</h3>{messages}</div>'


def _figures(run: Run) -> str:
    rows = "".join(
        f'<tr><td>{html.escape(name)}</td><td class="n">{html.escape(direct)}</td>'
        f'<td class="n">{html.escape(folded)}</td></tr>'
        for name, direct, folded in figures_of(run).rows()
    )
    heads = '<th></th><th class="n">Direct alerts</th><th class="n">Stormfold</th>'
    return f"<table><tr>{heads}</tr>{rows}</table>"


def _ambient(run: Run) -> str:
    rows = "".join(
        f"<tr><td><code>{html.escape(one.title)}</code></td><td>{html.escape(one.service)}</td>"
        f'<td class="n">{one.events}</td>'
        f"<td>{f'{one.inside} put into the storm: ' if one.inside else 'stayed out: '}"
        f"{html.escape(one.why)}</td></tr>"
        for one in run.story.ambient
    )
    heads = '<th>Error</th><th>Service</th><th class="n">Events</th><th>What became of it</th>'
    return f"<table><tr>{heads}</tr>{rows}</table>"


def _direct(run: Run) -> str:
    messages = run.direct.slack.messages(ALERTS)
    shown = messages[len(messages) // 2 :][:ALERTS_SHOWN]
    more = f'<p class="more" style="padding: 0 20px">{ALERTS_SHOWN} of {len(messages)}</p>'
    drawn = "".join(html_message(one, bot="Sentry") for one in shown)
    return _slack("#alerts: direct", more + drawn, "direct")


def _stormfold(run: Run) -> str:
    drawn = "".join(
        html_message(one, replies=run.services.slack.replies(CHANNEL, one.ts))
        for one in run.services.posts
    )
    return _slack("#incidents: Stormfold", drawn)
