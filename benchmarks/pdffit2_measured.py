"""What PDFfit2 reaches on the measured PDFs: values, Rw and CPU seconds, the yardstick of whorl's own refinements."""

from __future__ import annotations

from _harness import Table, arguments, find_data, peer
from _recipes import recipes, with_data


def main() -> int:
    options = arguments(__doc__)
    table = Table("PDFfit2 1.5.2 on measured PDFs (parameters, Rw, CPU seconds of the refinement)")
    data = find_data()
    if data is None:
        return 0
    chosen = recipes()
    for name in list(chosen)[: 1 if options.quick else None]:
        recipe = chosen[name]
        answer = peer("pdffit2_fit.py", with_data(recipe, data))
        if answer is None:
            continue
        values = ", ".join(f"{key} {value:.5g}" for key, value in answer["values"].items())
        low, high = recipe["fit_range"]
        table.add(
            name,
            "",
            "",
            f"Rw {answer['rw']:.4f}, {answer['cpu_seconds']:.2f} s, {answer['iterations']} steps",
            f"{low:g}-{high:g} A; {values}",
        )
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
