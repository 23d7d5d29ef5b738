"""One training of a flywheel stage with LLaMA-Factory: train.py JOB.json.

Writes the data in the layout that LLaMA-Factory reads, with its dataset_info.json and a
configuration, beside JOB.json, and runs `llamafactory-cli train`.
"""
import json
import os
import sys

TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user",
        "assistant_tag": "assistant", "system_tag": "system"}


def convert(trainer, row):
    if trainer in ("sft", "ppo"):
        return {"messages": row.get("messages") or row["prompt"]}
    return {"messages": row["prompt"], "chosen": row["chosen"][-1], "rejected": row["rejected"][-1]}


def write_data(job, folder):
    columns = {"messages": "messages"}
    if job["trainer"] in ("dpo", "rm"):
        columns |= {"chosen": "chosen", "rejected": "rejected"}
    with open(job["data"]) as rows, open(os.path.join(folder, "llama-factory.jsonl"), "w") as out:
        for row in rows:
            out.write(json.dumps(convert(job["trainer"], json.loads(row)), ensure_ascii=False) + "\n")
    info = {"arena": {"file_name": "llama-factory.jsonl", "formatting": "sharegpt",
                      "ranking": "chosen" in columns, "columns": columns, "tags": TAGS}}
    with open(os.path.join(folder, "dataset_info.json"), "w") as out:
        json.dump(info, out, indent=1)


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    folder = os.path.dirname(os.path.abspath(sys.argv[1]))
    write_data(job, folder)
    settings = dict(setting.split("=", 1) for setting in job["settings"])
    config = {
        "stage": job["trainer"], "do_train": True, "finetuning_type": "full",
        "model_name_or_path": job["base"], "output_dir": job["out"], "overwrite_output_dir": True,
        "dataset_dir": folder, "dataset": "arena", "template": settings.get("template", "qwen"),
        "cutoff_len": int(settings.get("max_tokens", 4096)),
        "learning_rate": float(settings.get("learning_rate", 1e-5)),
        "num_train_epochs": float(settings.get("epochs", 1)),
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": int(settings.get("batch_size", 64)),
        "seed": int(settings.get("seed", 1)), "bf16": True, "logging_steps": 10,
        "save_strategy": "no", "report_to": "none",
    }
    if job["trainer"] == "dpo":
        config["pref_beta"] = float(settings.get("beta", 0.1))
    if job["trainer"] == "ppo":
        config |= {"reward_model": job["reward_model"], "reward_model_type": "full"}
    path = os.path.join(folder, "llama-factory.yaml")
    with open(path, "w") as file:
        json.dump(config, file, indent=1)  # JSON is YAML
    os.execvp("llamafactory-cli", ["llamafactory-cli", "train", path])


if __name__ == "__main__":
    main()
