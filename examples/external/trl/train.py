"""One training of a flywheel stage with TRL: train.py JOB.json, under torchrun for several GPUs.

Reads what arena wrote to JOB.json and leaves a checkpoint in its "out". Supervised, DPO and reward
model; TRL's PPO trainer wants prompts as tokens and a value model, so stages here are sft and dpo.
"""
import json
import os
import sys

from datasets import load_dataset
from transformers import AutoTokenizer
from trl import DPOConfig, DPOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    settings = dict(setting.split("=", 1) for setting in job["settings"])
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    shared = {
        "output_dir": job["out"] + ".steps",
        "learning_rate": float(settings.get("learning_rate", 1e-5)),
        "num_train_epochs": float(settings.get("epochs", 1)),
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": max(1, int(settings.get("batch_size", 64)) // ranks),
        "seed": int(settings.get("seed", 1)),
        "bf16": True,
        "gradient_checkpointing": True,
        "save_strategy": "steps",
        "save_steps": 100,
        "save_total_limit": 1,
        "logging_steps": 10,
        "report_to": "none",
    }
    config, trainer = {
        "sft": (lambda: SFTConfig(assistant_only_loss=True, **shared), SFTTrainer),
        "dpo": (lambda: DPOConfig(beta=float(settings.get("beta", 0.1)), **shared), DPOTrainer),
        "rm": (lambda: RewardConfig(**shared), RewardTrainer),
    }[job["trainer"]]
    tokenizer = AutoTokenizer.from_pretrained(job["base"])
    training = trainer(model=job["base"], args=config(), processing_class=tokenizer,
                       train_dataset=load_dataset("json", data_files=job["data"], split="train"))
    steps = shared["output_dir"]
    begun = os.path.isdir(steps) and any(name.startswith("checkpoint-") for name in os.listdir(steps))
    training.train(resume_from_checkpoint=begun)  # goes on after a kill
    training.save_model(job["out"])


if __name__ == "__main__":
    main()
