"""A page with its pictures and films as files beside it, in an archive."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from myoassist.formats.files import atomic_output
from myoassist.report.contents import Contents, EvaluationView, Picture

_DATE = (1980, 1, 1, 0, 0, 0)


def pack_page(contents: Contents, archive: Path, *, render: Callable[[Contents], str]) -> None:
    """Write an archive with one folder: `index.html`, and below `files/` what it shows.

    The same contents give the same bytes. Pictures and films are stored as they are, since they are compressed.

    Args:
        contents: with everything embedded.
        archive: where to (.zip); its folder has the same name.
        render: makes the page of the contents.
    """
    files: dict[str, str] = {}

    def outside(uri: str, path: str) -> str:
        place = f"files/{path}"
        files[place] = uri
        return place

    def pictures(gallery: dict[str, list[Picture]]) -> dict[str, list[Picture]]:
        return {category: [picture(item) for item in items] for category, items in gallery.items()}

    def picture(item: Picture) -> Picture:
        return replace(item, source=outside(item.source, item.path))

    def evaluation(entry: EvaluationView) -> EvaluationView:
        video = outside(entry.video, entry.video_path) if entry.video and entry.video_path else None
        return replace(entry, video=video, pictures=pictures(entry.pictures))

    page = replace(
        contents,
        runs=[
            replace(run, pictures=pictures(run.pictures), evaluations=[evaluation(entry) for entry in run.evaluations])
            for run in contents.runs
        ],
        comparison=pictures(contents.comparison),
        shared=[replace(shared, picture=picture(shared.picture)) for shared in contents.shared],
    )
    text = render(page)
    with atomic_output(archive) as temporary, zipfile.ZipFile(temporary, "w") as zipped:
        index = zipfile.ZipInfo(f"{archive.stem}/index.html", date_time=_DATE)
        zipped.writestr(index, text, compress_type=zipfile.ZIP_DEFLATED)
        for place, uri in sorted(files.items()):
            content = base64.b64decode(uri.partition(",")[2])
            zipped.writestr(zipfile.ZipInfo(f"{archive.stem}/{place}", date_time=_DATE), content)
