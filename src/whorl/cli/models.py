"""``whorl models``: the trained models at hand, what each may be asked, and how well it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from whorl.cli import messages

if TYPE_CHECKING:
    from whorl.models.card import Interval, Metric
    from whorl.models.registry import Found

app = typer.Typer(rich_markup_mode=None, help="List trained models, or show the card of one.", invoke_without_command=True)


@app.callback()
def models(context: typer.Context) -> None:
    """List trained models, or show the card of one."""
    if context.invoked_subcommand is not None:
        return
    from whorl.models.registry import list_models

    found = list_models()
    for model in found:
        card = model.card
        messages.out(f"{card.name}: {card.title} ({'shipped' if model.shipped else model.folder})")
        messages.out(f"  domain   {card.domain}")
        for metric in card.metrics:
            messages.out(f"  measured {_metric(metric)}")
    messages.say(f"{len(found)} models; `whorl train` lists what can be trained")


@app.command()
def show(name: Annotated[str, typer.Argument(help="A model, or a folder that `whorl train` has written.")]) -> None:
    """Show the card of a model, and check that its weights are the ones the card describes."""
    from whorl.models.registry import find_model

    found = find_model(name)
    size = len(found.weights())
    messages.out(describe(found))
    messages.say(f"weights: {found.path}, {size / 1e6:.1f} MB, SHA-256 as the card says")


def describe(found: Found) -> str:
    """Set a card in lines."""
    card = found.card
    lines = [f"{card.name}: {card.title}", f"  task       {card.task} ({card.technique})", f"  domain     {card.domain}"]
    if card.grid is not None:
        g = card.grid
        lines.append(f"  grid       {g.start:g} to {g.stop:g} {g.unit} in steps of {g.step:g}, {g.count} points")
    for kind, ports in (("input", card.inputs), ("output", card.outputs)):
        lines += [f"  {kind:<10} {p.name}, {p.shape}{_unit(p.unit)}: {p.meaning}" for p in ports]
    lines += [f"  range      {name}: {_interval(interval)}" for name, interval in card.ranges.items()]
    if card.classes:
        lines.append(
            f"  classes    {len(card.classes)}: {', '.join(card.classes[:4])}{' ...' if len(card.classes) > 4 else ''}"
        )
    t = card.training
    lines += [
        f"  made by    {t.command}",
        f"  training   seed {t.seed}, {t.cases} {t.meaning_of_cases}, {t.cpu_seconds / 60:.1f} CPU minutes, {t.date}",
    ]
    if t.libraries:
        lines.append(f"  made with  {', '.join(f'{name} {version}' for name, version in t.libraries.items())}")
    lines += [f"  measured   {_metric(metric)}" for metric in card.metrics]
    lines += [f"  fails      {text}" for text in card.known_failures]
    lines += [f"  see        {text}" for text in card.references]
    return "\n".join(lines)


def _metric(metric: Metric) -> str:
    text = f"{metric.name} {metric.value:.4g}"
    if metric.low is not None and metric.high is not None:
        text += f" ({metric.low:.4g} to {metric.high:.4g})"
    if metric.cases is not None:
        text += f", {metric.cases} cases"
    return f"{text}; {metric.note}" if metric.note else text


def _interval(interval: Interval) -> str:
    if interval.low == interval.high:
        return f"{interval.low:g}{_unit(interval.unit)}"
    return f"{interval.low:g} to {interval.high:g}{_unit(interval.unit)}, {interval.law}"


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"
