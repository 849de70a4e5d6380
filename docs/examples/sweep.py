"""A sweep of settings over `unpaired.train` with Optuna (pip install optuna), which can be stopped and continued.

python docs/examples/sweep.py photos paintings runs/sweep --trials 20 --steps 5000

Each trial trains a run of its own, RUN/trial-000 and so on, which is scored on held-out files as it goes; runs that
fall behind are pruned. RUN/study.journal records what was tried: after Ctrl-C or a crash the same command goes on,
with the run that was stopped first.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

import unpaired
from unpaired.core.monitoring import RunInfo, ScoreReport


class Prune(unpaired.Callback):
    """Tell Optuna each score of a run, and end the run when it falls behind the other trials."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial
        self.pruned = False

    def on_score(self, run: RunInfo, report: ScoreReport) -> None:
        """Held-out files were scored; lower is better."""
        if report.score is None or not math.isfinite(report.score):
            return
        # By tenths: which checkpoints are scored depends on the time it takes, and Optuna compares like with like.
        self.trial.report(report.score, 10 * report.step // run.settings["training"]["steps"])
        if self.trial.should_prune():
            self.pruned = True
            raise unpaired.Interrupted(f"pruned at step {report.step}")


def train(trial: optuna.Trial, args: argparse.Namespace) -> float:
    """One trial: choose settings, train with them, and return the lowest score."""
    run = args.out / trial.user_attrs.get("run", f"trial-{trial.number:03d}")
    trial.set_user_attr("run", run.name)
    identity = trial.suggest_float("identity", 0.0, 10.0)
    callback = Prune(trial)
    try:
        unpaired.train(
            domain=unpaired.Image(size=args.size),
            a=args.a,
            b=args.b,
            out=run,
            preset=args.preset,
            objective=unpaired.CycleSettings(identity_a=identity, identity_b=identity),
            learning_rate=trial.suggest_float("learning_rate", 5e-5, 1e-3, log=True),
            steps=args.steps,
            checkpoint_every=max(1, args.steps // 10),  # and scored as often
            held_out=args.held_out,
            callbacks=[callback],
            resume=(run / "config.yaml").exists(),
        )
    except unpaired.NumericsError as error:  # these settings diverge, which is no reason to end the sweep
        raise optuna.TrialPruned(str(error)) from error
    except unpaired.Interrupted as stopped:
        if callback.pruned:
            raise optuna.TrialPruned(str(stopped)) from stopped
        raise  # Ctrl-C ends the sweep
    (summary,) = unpaired.list_runs(run)
    if summary.best_score is None:
        raise unpaired.ConfigError(f"{run} was not scored: give more files, or --held-out")
    return summary.best_score


def continue_stopped(study: optuna.Study) -> None:
    """Queue the runs of trials that Ctrl-C or a crash stopped, with their settings."""
    trials = study.get_trials(deepcopy=False)
    latest = {trial.user_attrs["run"]: trial for trial in trials if "run" in trial.user_attrs}
    for run, trial in latest.items():
        if trial.state == TrialState.RUNNING:
            study.tell(trial.number, state=TrialState.FAIL)
        if trial.state in (TrialState.RUNNING, TrialState.FAIL):
            study.enqueue_trial(trial.params, user_attrs={"run": run})


def main(words: Sequence[str] | None = None) -> optuna.Study:
    """Go on until as many trials as asked for are complete or pruned."""
    parser = argparse.ArgumentParser(description="Sweep learning rate and identity weight.")
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--trials", type=int, default=20, help="in all, those of earlier calls included")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--held-out", type=float, help="files of each side that score the runs (default: see --held-out"
                        " of unpaired train)")  # fmt: skip
    args = parser.parse_args(words)
    args.out.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name="sweep",
        storage=JournalStorage(JournalFileBackend(str(args.out / "study.journal"))),
        load_if_exists=True,
        direction="minimize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3),
    )
    continue_stopped(study)
    done = study.get_trials(states=[TrialState.COMPLETE, TrialState.PRUNED])
    study.optimize(lambda trial: train(trial, args), n_trials=max(0, args.trials - len(done)))
    best = study.best_trial
    print(f"best: {best.user_attrs['run']}, score {best.value:.4g}, {best.params}")
    return study


if __name__ == "__main__":
    main()
