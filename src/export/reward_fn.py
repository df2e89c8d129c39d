"""Reward function for verl: asks a reward server for the verdict of each response.

Start the server on the same machine:   npx interplay reward --port 8765
In verl's settings:                     custom_reward_function: {path: reward_fn.py, name: compute_score,
                                          reward_kwargs: {reward: strict, url: "http://127.0.0.1:8765"}}

Needs nothing beyond Python's standard library. Whatever goes wrong is raised: a run must not go on with rewards
that nobody computed. The server must be given responses with their tags, so the tokenizer must not treat
`<answer>` and the like as special tokens (the exported one does not).
"""
import json
import os
import urllib.error
import urllib.request

DEFAULT_URL = "http://127.0.0.1:8765"


def ask(url, rows, rewards):
    """Verdicts of rows {solution, graph?, response, truncated?}, in their order."""
    body = json.dumps({"rows": rows, "rewards": rewards}).encode()
    request = urllib.request.Request(url.rstrip("/") + "/reward", body, {"Content-Type": "application/json"})
    # The server is on this machine: proxies of the environment are not for it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=600) as reply:
            return json.load(reply)["results"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"reward server: {error.read().decode(errors='replace')}") from error


def compute_score(data_source, solution_str, ground_truth, extra_info=None, reward="strict", url=None):
    """verl's custom reward function. `score` is trained on; the rest appears among verl's metrics."""
    row = {
        "solution": extra_info["solution"],
        "response": solution_str,
        # The end token is gone from the text: a response without its last tag was cut.
        "truncated": "</answer>" not in solution_str,
    }
    if extra_info.get("graph"):
        row["graph"] = json.loads(extra_info["graph"])
    verdict = ask(url or os.environ.get("INTERPLAY_REWARD_URL", DEFAULT_URL), [row], [reward])[0]
    return {
        "score": verdict["rewards"][reward],
        "verified": float(verdict["verified"]),
        "answer_correct": float(verdict["answer_correct"]),
        "process_accuracy": verdict["process_accuracy"],
    }
