"""The same run for several seeds: a metric's mean over them, and its standard error."""

import numpy as np

from dgm_zoo.errors import unknown


def over_seeds(results: list[dict], metric: str) -> dict:
    """Returns a metric of the runs of one config, one for each seed.

    Args:
      results: the contents of each run's `results.json`.
      metric: its name in their `metrics`.

    Returns:
      dict of `value`, the mean; `values`; `stderr`, over seeds or, of a single run, its own; `stderr_over`, which says
      which; `protocol`, of the first run; and `one_protocol`, whether all runs have it.

    Raises:
      InvalidInput: the first run has no such metric.

    Example:
      >>> over_seeds([train(config, folder) for config, folder in runs], "test_log_likelihood")["value"]
    """
    if metric not in results[0]["metrics"]:
        raise unknown("metric", metric, results[0]["metrics"])
    found = [run["metrics"][metric] for run in results]
    values, several = [one["value"] for one in found], len(found) > 1
    return {
        "value": float(np.mean(values)),
        "values": values,
        "stderr": float(np.std(values, ddof=1) / np.sqrt(len(values))) if several else found[0]["stderr"],
        "stderr_over": "seeds" if several else "one run",
        "protocol": found[0]["protocol"],
        "one_protocol": all(one["protocol"] == found[0]["protocol"] for one in found),
    }
