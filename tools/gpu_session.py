#!/usr/bin/env python3
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A training session on a borrowed machine: without network, for a few minutes, with whatever it has.

    python tools/gpu_session.py session runs/mine --settings FILE.yaml --seconds 540 --remote COMMAND

packs code, settings, data and the run's last checkpoint into parcels of limited size, hands them to COMMAND, which
takes them to the machine, trains there and brings the results back, and puts the new checkpoint into the run's folder;
the same command again goes on from there. The three steps can be called one by one, too:

    python tools/gpu_session.py pack runs/mine parcels --settings FILE.yaml     here
    python gpu_session.py train parcels --seconds 540 --out results             there (the script lies in the parcels)
    python tools/gpu_session.py fetch results runs/mine                         here

The step on the machine needs Python, and PyTorch with its other packages, or wheels of them in the parcels.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PATH_SETTINGS = ("start", "teacher", "imagenet", "vit", "validation", "data.videos", "data.stills")
"""Settings of training that name files or folders; what they name travels."""
MANIFEST = "manifest.json"
LOGS = ("log.csv", "validation.csv")
POLL_S = 0.5


def main(arguments: list[str] | None = None) -> None:
    """Run one step, or all three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    pack_step, train_step = steps.add_parser("pack", help="make the parcels"), steps.add_parser("train", help="train")
    unpack_step = steps.add_parser("unpack", help="only unpack parcels, if they do not come all at once")
    fetch_step, session = steps.add_parser("fetch", help="take the results"), steps.add_parser("session", help="all")
    for step in (pack_step, session):
        step.add_argument("run", type=Path, help="folder of the run; one with a checkpoint is gone on with")
        step.add_argument("--settings", type=Path, help="YAML file of `stdtrack train`")
        step.add_argument("--set", action="append", default=[], dest="overrides", metavar="NAME=VALUE")
        step.add_argument("--wheels", type=Path, help="folder of wheels to install on the machine")
        step.add_argument("--parcel-mb", type=float, default=60.0, help="largest size of a parcel, in MiB (default 60)")
    pack_step.add_argument("parcels", type=Path, help="folder for the parcels; emptied first")
    train_step.add_argument("parcels", type=Path, help="folder with the parcels")
    train_step.add_argument("--out", type=Path, required=True, help="folder for checkpoint and logs")
    for step in (train_step, session):
        step.add_argument("--seconds", type=float, required=True, help="time from start to end on the machine")
        step.add_argument("--reserve", type=float, default=20.0, help="seconds of these to save and ship (default 20)")
        step.add_argument("--part-mb", type=float, default=15.0, help="largest size of a file of results, in MiB")
        step.add_argument("--compact", action="store_true", help="ship optimizer and average in half precision")
    for step in (train_step, unpack_step):
        step.add_argument("--work", type=Path, help="where to unpack (default: a folder beside the parcels)")
    unpack_step.add_argument("parcels", type=Path, help="folder with some of the parcels")
    fetch_step.add_argument("out", type=Path, help="folder that `train` filled")
    fetch_step.add_argument("run", type=Path, help="folder of the run")
    session.add_argument(
        "--remote",
        default="",
        metavar="COMMAND",
        help="shell command that runs the step `train` elsewhere; {parcels}, {out} and {train} (its arguments) stand "
        "for folders here and for the options; default: train on this machine",
    )
    asked = parser.parse_args(arguments)
    if asked.step == "pack":
        pack(asked.run, asked.parcels, asked.settings, asked.overrides, asked.wheels, asked.parcel_mb)
    elif asked.step == "train":
        train(asked.parcels, asked.out, asked.work, asked.seconds, asked.reserve, asked.part_mb, asked.compact)
    elif asked.step == "unpack":
        unpack(asked.parcels, _work(asked.parcels, asked.work))
    elif asked.step == "fetch":
        fetch(asked.out, asked.run)
    else:
        run_session(asked)


def run_session(asked: argparse.Namespace) -> None:
    """Pack, train elsewhere, fetch."""
    with tempfile.TemporaryDirectory(prefix="gpu_session_") as folder:
        parcels, out = Path(folder) / "parcels", Path(folder) / "out"
        pack(asked.run, parcels, asked.settings, asked.overrides, asked.wheels, asked.parcel_mb)
        options = f"--seconds {asked.seconds:g} --reserve {asked.reserve:g} --part-mb {asked.part_mb:g}"
        options += " --compact" if asked.compact else ""
        here = f"{sys.executable} {{parcels}}/{Path(__file__).name} train {{parcels}} --out {{out}} {{train}}"
        command = (asked.remote or here).format(parcels=parcels, out=out, train=options)
        subprocess.run(command, shell=True, check=True)
        fetch(out, asked.run)


# --- here: pack ---


def pack(
    run: Path, parcels: Path, settings: Path | None, overrides: list[str], wheels: Path | None, parcel_mb: float
) -> None:
    """Write everything that training needs into tars of at most `parcel_mb` MiB; files larger than that are split."""
    if parcels.exists() and any(parcels.iterdir()) and not (parcels / Path(__file__).name).exists():
        raise SystemExit(f"{parcels} is not empty and holds no parcels; give another folder.")
    shutil.rmtree(parcels, ignore_errors=True)
    parcels.mkdir(parents=True)
    files = {f"code/{path.relative_to(ROOT)}": path for path in _code()}
    values, carried = _settings(settings, overrides)
    files |= carried
    text = parcels / "settings.json"  # JSON is YAML, too
    text.write_text(json.dumps(values, indent=1), encoding="utf-8")
    files["settings.json"] = text
    files |= {f"wheels/{path.name}": path for path in sorted(wheels.glob("*.whl"))} if wheels else {}
    files |= {f"run/{name}": run / name for name in ("last.pt", *LOGS) if (run / name).is_file()}
    count = _write_parcels(files, parcels, int(parcel_mb * 2**20))
    text.unlink()
    shutil.copy(__file__, parcels)
    size = sum(path.stat().st_size for path in parcels.iterdir()) / 2**20
    print(f"{len(files)} files in {count} parcels of {size:.1f} MiB together: {parcels}")


def _code() -> Iterator[Path]:
    for path in sorted((ROOT / "stdtrack_ros").rglob("*")):
        if path.suffix in {".py", ".yaml", ".j2"}:
            yield path


def _settings(file: Path | None, overrides: list[str]) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return the run's settings with paths of the other machine in them, and the files behind these by their names."""
    from stdtrack_ros.cli.train import read_settings

    values: dict[str, Any] = read_settings(file, overrides).model_dump(mode="json", exclude_unset=True)
    files: dict[str, Path] = {}
    for name in PATH_SETTINGS:
        group, _, leaf = name.rpartition(".")
        table = values.get(group, {}) if group else values
        if table.get(leaf):
            several = isinstance(table[leaf], list)
            places = [_carry(Path(one), files) for one in (table[leaf] if several else [table[leaf]])]
            table[leaf] = places if several else places[0]
    return values, files


def _carry(path: Path, files: dict[str, Path]) -> str:
    """Note the files behind a path to be taken along; where they will lie is returned."""
    if not path.exists():
        raise SystemExit(f"{path} is named in the settings, but is not there.")
    place = f"files/{len(files)}"
    if path.is_dir():
        files |= {f"{place}/{one.relative_to(path)}": one for one in sorted(path.rglob("*")) if one.is_file()}
        return place
    files[f"{place}/{path.name}"] = path
    if path.suffix == ".tar":  # the facts of its clips
        files |= {f"{place}/{index.name}": index for index in sorted(path.parent.glob("index*.csv"))}
    return f"{place}/{path.name}"


def _write_parcels(files: dict[str, Path], folder: Path, limit: int) -> int:
    """Fill one tar after the other; the first begins with the manifest: size and hash of each file by its name."""
    manifest = {name: {"size": path.stat().st_size, "sha256": _hash(path)} for name, path in files.items()}
    pieces = [(name, path, 0, size) for name, path in files.items() for size in [path.stat().st_size] if size <= limit]
    for name, path in files.items():
        size = path.stat().st_size
        for number, start in enumerate(range(0, size if size > limit else 0, limit)):
            pieces.append((f"{name}.part{number:03d}", path, start, min(limit, size - start)))
    pieces.sort(key=lambda piece: piece[3], reverse=True)
    room: list[int] = []
    text = folder / MANIFEST
    text.write_text(json.dumps(manifest), encoding="utf-8")
    pieces.insert(0, (MANIFEST, text, 0, text.stat().st_size))
    tars: list[tarfile.TarFile] = []
    with ExitStack() as stack:
        for name, path, start, size in pieces:
            index = next((number for number, free in enumerate(room) if free >= size), len(room))
            if index == len(room):
                room.append(limit)
                tars.append(stack.enter_context(tarfile.open(folder / f"parcel_{index:02d}.tar", "w")))
            room[index] -= size
            info = tarfile.TarInfo(name)
            info.size = size
            with path.open("rb") as content:
                content.seek(start)
                tars[index].addfile(info, content)
    text.unlink()
    return len(tars)


# --- there: train ---


def train(
    parcels: Path, out: Path, work: Path | None, seconds: float, reserve: float, part_mb: float, compact: bool
) -> None:
    """Unpack, train until the time is nearly over, and ship each new checkpoint as it comes."""
    end = _now() + seconds
    work = _work(parcels, work)
    out.mkdir(parents=True, exist_ok=True)
    unpack(parcels, work)
    _check(work)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(work / "code"), str(_install_wheels(work))])}
    asked = json.loads((work / "settings.json").read_text(encoding="utf-8"))
    defaults = {"workers": max(_cores() - 1, 1), "precision": "bfloat16", "save_minutes": 0.5}
    values = {name: asked.get(name, value) for name, value in defaults.items()}
    command = [sys.executable, "-m", "stdtrack_ros.cli.main", "train", "run", "--settings", "settings.json"]
    command += [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    first = len(_rows(work / "run"))
    print(f"training for {end - _now() - reserve:.0f} s: {' '.join(command)}", flush=True)
    process = subprocess.Popen(command, cwd=work, env=environment)
    shipped = _stamp(work / "run" / "last.pt")
    while process.poll() is None:
        time.sleep(POLL_S)
        if _now() > end - reserve:
            process.send_signal(signal.SIGTERM)  # it finishes its step and writes its checkpoint
            process.wait()
        stamp = _stamp(work / "run" / "last.pt")
        if stamp != shipped:
            _ship(work / "run", out, part_mb, compact)
            shipped = stamp
            print(progress(work / "run", first), flush=True)
    if process.returncode:
        raise SystemExit(f"`stdtrack train` ended with code {process.returncode}; its words are above.")
    _ship(work / "run", out, part_mb, compact)
    print(progress(work / "run", first), flush=True)


def _work(parcels: Path, work: Path | None) -> Path:
    return (work or parcels.with_name(f"{parcels.name}_unpacked")).resolve()


def unpack(parcels: Path, work: Path) -> None:
    """Unpack the parcels of a folder; they may come a few at a time, into the same `work`."""
    tars = sorted(parcels.glob("parcel_*.tar"))
    if not tars:
        raise SystemExit(f"There are no parcels in {parcels}.")
    work.mkdir(parents=True, exist_ok=True)
    for path in tars:
        with tarfile.open(path) as tar:
            tar.extractall(work, filter="data")


def _check(work: Path) -> None:
    """Join what was split, and compare every file with the manifest."""
    if not (work / MANIFEST).is_file():
        raise SystemExit(f"{work} lacks the first parcel, which holds the list of files.")
    manifest = json.loads((work / MANIFEST).read_text(encoding="utf-8"))
    for name, fact in manifest.items():
        whole = work / name
        parts = sorted(whole.parent.glob(f"{whole.name}.part[0-9]*"))
        if parts:
            _join(parts, whole)
        if not whole.is_file() or _hash(whole) != fact["sha256"]:
            raise SystemExit(f"{name} is missing or damaged in {work}: not all parcels have arrived whole.")


def _now() -> float:
    return time.monotonic()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _install_wheels(work: Path) -> Path:
    site = work / "site"
    wheels = sorted((work / "wheels").glob("*.whl"))
    if wheels and not site.exists():
        options = ["--quiet", "--no-index", "--no-deps", "--target", str(site)]
        subprocess.run([sys.executable, "-m", "pip", "install", *options, *map(str, wheels)], check=True)
    return site


def progress(run: Path, first: int = 0) -> str:
    """Say how far a run is, and how fast this session goes: over its rows of the log, which come after `first`."""
    rows = _rows(run)[first:]
    if not rows:
        return "no step is logged yet"
    begin, last = rows[0], rows[-1]
    samples, minutes = (float(last[name]) - float(begin[name]) for name in ("samples", "minutes"))
    speed = f", {samples / (60 * minutes):.1f} samples/s" if minutes > 0 else ""
    return f"step {last['step']}, {float(last['samples']):.0f} samples, loss {float(last['loss']):.3f}{speed}"


def _rows(run: Path) -> list[dict[str, str]]:
    path = run / "log.csv"
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _ship(run: Path, out: Path, part_mb: float, compact: bool) -> None:
    """Copy checkpoint and logs into the results, the checkpoint in parts; older parts go when the new are whole."""
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        checkpoint = Path(folder) / "last.pt"
        shutil.copy(run / "last.pt", checkpoint)
        if compact:
            _compact(checkpoint)
        tag, limit = f"last_{time.time_ns()}.pt", int(part_mb * 2**20)
        with checkpoint.open("rb") as content:
            for number in range(-(-checkpoint.stat().st_size // limit)):
                (out / f"{tag}.part{number:03d}").write_bytes(content.read(limit))
        fact = {"tag": tag, "sha256": _hash(checkpoint)}
    for name in LOGS:
        if (run / name).exists():
            shutil.copy(run / name, out)
    part = out / "manifest.part"
    part.write_text(json.dumps(fact), encoding="utf-8")
    part.replace(out / MANIFEST)
    for old in out.glob("last_*.pt.part*"):
        if not old.name.startswith(tag):
            old.unlink()


def _compact(path: Path) -> None:
    """Halve what need not be exact: the optimizer's moments and the averaged weights."""
    import torch

    content = torch.load(path, map_location="cpu", weights_only=True)
    for state in content["optimizer"]["state"].values():
        state |= {name: value.bfloat16() for name, value in state.items() if getattr(value, "ndim", 0)}
    content["ema"] = {n: value.half() if value.is_floating_point() else value for n, value in content["ema"].items()}
    torch.save(content, path)


# --- here: fetch ---


def fetch(out: Path, run: Path) -> None:
    """Put a session's checkpoint and logs into the folder of the run."""
    import torch

    if not (out / MANIFEST).is_file():
        raise SystemExit(f"There are no results in {out}: the session wrote no checkpoint.")
    fact = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    run.mkdir(parents=True, exist_ok=True)
    whole = run / "fetched.pt"
    _join(sorted(out.glob(f"{fact['tag']}.part*")), whole, remove=False)
    if _hash(whole) != fact["sha256"]:
        whole.unlink()
        raise SystemExit(f"The checkpoint in {out} is damaged: some of its parts have not come back whole.")
    content = torch.load(whole, map_location="cpu", weights_only=True)
    content["ema"] = {n: value.float() if value.is_floating_point() else value for n, value in content["ema"].items()}
    torch.save(content, whole)
    whole.replace(run / "last.pt")
    for name in LOGS:
        if (out / name).exists():
            shutil.copy(out / name, run)
    print(f"{progress(run)}: {run / 'last.pt'}")


def _join(parts: list[Path], whole: Path, remove: bool = True) -> None:
    with whole.open("wb") as file:
        for part in parts:
            with part.open("rb") as content:
                shutil.copyfileobj(content, file)
            if remove:
                part.unlink()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
