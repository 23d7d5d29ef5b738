"""Files that the trainers share: safetensors, Hugging Face directories and token data.

safetensors: eight bytes with the length of a JSON header (little-endian), the header
{"NAME": {"dtype", "shape", "data_offsets": [begin, end]}}, then the tensors' bytes.
"""

import json
import os
import shutil
import struct

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1",
          "BOOL": "u1"}
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json",
                   "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
                   "generation_config.json")


def read_safetensors(path):
    """All tensors of a file as numpy arrays; bfloat16 becomes float32."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        raw = data[begin:end]
        if entry["dtype"] == "BF16":
            array = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        elif entry["dtype"] in DTYPES:
            array = np.frombuffer(raw, DTYPES[entry["dtype"]])
        else:
            raise ValueError(f"{path}: {name} has the type {entry['dtype']}, which is not known")
        tensors[name] = array.reshape(entry["shape"]).copy()
    return tensors


def write_safetensors(path, tensors):
    """Writes numpy arrays (float32, int32, int64, uint8) in the order of their names."""
    names = {np.dtype(text): name for name, text in DTYPES.items() if name != "BOOL"}
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name in sorted(tensors):
        array = tensors[name]
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape),
                        "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for name in sorted(tensors):
            file.write(np.ascontiguousarray(tensors[name]).tobytes())


def read_model(directory):
    """(config, tensors) of a Hugging Face directory, in one file or in parts."""
    with open(os.path.join(directory, "config.json")) as file:
        config = json.load(file)
    index = os.path.join(directory, "model.safetensors.index.json")
    parts = ["model.safetensors"]
    if os.path.exists(index):
        with open(index) as file:
            parts = sorted(set(json.load(file)["weight_map"].values()))
    tensors = {}
    for part in parts:
        tensors.update(read_safetensors(os.path.join(directory, part)))
    return config, tensors


def write_model(directory, config, tensors, source):
    """Writes float32 weights; the tokenizer and generation settings are those of `source`."""
    os.makedirs(directory, exist_ok=True)
    for name in TOKENIZER_FILES:
        path = os.path.join(source, name)
        if os.path.exists(path) and os.path.realpath(source) != os.path.realpath(directory):
            shutil.copy(path, directory)
    with open(os.path.join(directory, "config.json"), "w") as file:
        json.dump({**config, "torch_dtype": "float32"}, file, indent=2)
        file.write("\n")
    write_safetensors(os.path.join(directory, "model.safetensors"), tensors)


class TokenData:
    """Sequences of token ids with a mask of those to be learned.

    In preference data (`margins` is not None) 2i is the chosen sequence of pair i, 2i + 1 the
    rejected one.
    """

    def __init__(self, path):
        tensors = read_safetensors(path)
        ends = tensors["ends"]
        starts = np.concatenate([[0], ends[:-1]])
        self.sequences = [tensors["tokens"][b:e].astype(np.int64) for b, e in zip(starts, ends)]
        self.masks = [tensors["loss"][b:e].astype(np.float32) for b, e in zip(starts, ends)]
        self.margins = tensors.get("margins")

    def __len__(self):
        return len(self.sequences) // (1 if self.margins is None else 2)

    def prompt(self, i):
        """The tokens of sequence i before the first one to be learned."""
        learned = np.flatnonzero(self.masks[i])
        return self.sequences[i][: learned[0]] if len(learned) else self.sequences[i]

    def answer(self, i):
        """From the first token to be learned to the end."""
        return self.sequences[i][len(self.prompt(i)):]
