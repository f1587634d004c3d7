"""A few small instruction-tuned models that can be downloaded by name, and the download.

This is the one module that may go online, and only in :func:`pull_model`. Every file is pinned to a revision, its
size and its SHA-256, as its repository publishes them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ModelError, ModelNotFound
from rag.generation.models.memory import memory_needed
from rag.generation.models.registry import RegisteredModel, add_model
from rag.system.hashing import sha256_of
from rag.system.offline import allow_downloads


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be downloaded. ``size`` in bytes, ``kv_bytes`` a token of context."""

    name: str
    title: str
    repository: str
    file: str
    revision: str
    size: int
    sha256: str
    licence: str
    kv_bytes: int
    note: str

    @property
    def command(self) -> str:
        """What the user types to get it."""
        return f"footnote models pull {self.name}"

    @property
    def memory(self) -> int:
        """Bytes of memory that it needs."""
        return memory_needed(self.size, self.kv_bytes)


_APACHE = "Apache-2.0"
_OFFERS = (
    Offer(
        "smollm2-360m", "SmolLM2 360M Instruct, Q8_0", "HuggingFaceTB/SmolLM2-360M-Instruct-GGUF",
        "smollm2-360m-instruct-q8_0.gguf", "593b5a2e04c8f3e4ee880263f93e0bd2901ad47f", 386_404_992,
        "48ab3034d0dd401fbc721eb1df3217902fee7dab9078992d66431f09b7750201", _APACHE, 40_960, "English",
    ),
    Offer(
        "qwen2.5-0.5b", "Qwen2.5 0.5B Instruct, Q4_K_M", "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
        "qwen2.5-0.5b-instruct-q4_k_m.gguf", "9217f5db79a29953eb74d5343926648285ec7e67", 491_400_032,
        "74a4da8c9fdbcd15bd1f6d01d621410d31c6fc00986f5eb687824e7b93d7a9db", _APACHE, 12_288, "many languages",
    ),
    Offer(
        "qwen3-0.6b", "Qwen3 0.6B, Q8_0", "Qwen/Qwen3-0.6B-GGUF",
        "Qwen3-0.6B-Q8_0.gguf", "23749fefcc72300e3a2ad315e1317431b06b590a", 639_446_688,
        "9465e63a22add5354d9bb4b99e90117043c7124007664907259bd16d043bb031", _APACHE, 114_688, "many languages",
    ),
    Offer(
        "smollm2-1.7b", "SmolLM2 1.7B Instruct, Q4_K_M", "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF",
        "smollm2-1.7b-instruct-q4_k_m.gguf", "2d4a76a30b4af41ecd395c35725ac11688d4cfe4", 1_055_609_536,
        "decd2598bc2c8ed08c19adc3c8fdd461ee19ed5708679d1c54ef54a5a30d4f33", _APACHE, 196_608, "English",
    ),
    Offer(
        "qwen2.5-1.5b", "Qwen2.5 1.5B Instruct, Q4_K_M", "Qwen/Qwen2.5-1.5B-Instruct-GGUF",
        "qwen2.5-1.5b-instruct-q4_k_m.gguf", "91cad51170dc346986eccefdc2dd33a9da36ead9", 1_117_320_736,
        "6a1a2eb6d15622bf3c96857206351ba97e1af16c30d7a74ee38970e434e9407e", _APACHE, 28_672, "many languages",
    ),
    Offer(
        "qwen3-1.7b", "Qwen3 1.7B, Q8_0", "Qwen/Qwen3-1.7B-GGUF",
        "Qwen3-1.7B-Q8_0.gguf", "90862c4b9d2787eaed51d12237eafdfe7c5f6077", 1_834_426_016,
        "061b54daade076b5d3362dac252678d17da8c68f07560be70818cace6590cb1a", _APACHE, 114_688, "many languages",
    ),
)  # fmt: skip


def recommended() -> tuple[Offer, ...]:
    """Small models that answer from evidence and run on a processor, smallest first."""
    return _OFFERS


def pull_model(
    home: Path, name: str, *, offers: tuple[Offer, ...] = _OFFERS, endpoint: str | None = None
) -> RegisteredModel:
    """Download a recommended model into ``<home>/models``, verify it and register it under its name.

    Goes online, for this thread and until it returns. An interrupted download goes on where it stopped; a complete
    file is not downloaded again. ``endpoint`` is another hub than the public one. Raises :class:`ModelNotFound`
    for a name that is not recommended, :class:`ModelError` without network or space, or where the file is not the
    published one.
    """
    offer = next((o for o in offers if o.name == name), None)
    if offer is None:
        known = ", ".join(o.name for o in offers)
        raise ModelNotFound(f"'{name}' cannot be downloaded by name; these can: {known}. Add a file with 'models add'.")
    target = home / "models" / offer.file
    if not (target.is_file() and target.stat().st_size == offer.size and sha256_of(target) == offer.sha256):
        _download(offer, target, endpoint)
    return add_model(home, target, offer.name)


def _download(offer: Offer, target: Path, endpoint: str | None) -> None:
    import httpx  # what huggingface_hub speaks through
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    folder = target.parent / "downloads"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < offer.size:
            raise ModelError(
                f"'{offer.name}' needs {offer.size / 1e9:.1f} GB and {folder} has {free / 1e9:.1f}. Free some space."
            )
        with allow_downloads():
            # Asked first, because this fails at once without a network; the download tries again for half a minute.
            url = hf_hub_url(offer.repository, offer.file, revision=offer.revision, endpoint=endpoint)
            published = get_hf_file_metadata(url, token=False)
            if published.size != offer.size or published.etag != offer.sha256:
                raise _not_published(offer, published.size, published.etag)
            path = Path(
                hf_hub_download(
                    offer.repository,
                    offer.file,
                    revision=offer.revision,
                    local_dir=folder,
                    endpoint=endpoint,
                    token=False,
                )
            )
    except (OSError, httpx.HTTPError, RuntimeError) as error:
        # LocalEntryNotFoundError, which stands for 'no network', is an OSError too.
        raise ModelError(
            f"'{offer.name}' could not be downloaded ({type(error).__name__}: {_first_line(error)}). "
            "Check the network and repeat; the download goes on where it stopped."
        ) from error
    _verify(offer, path)
    path.replace(target)
    shutil.rmtree(folder, ignore_errors=True)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]


def _verify(offer: Offer, path: Path) -> None:
    size, digest = path.stat().st_size, sha256_of(path)
    if size != offer.size or digest != offer.sha256:
        path.unlink()
        raise _not_published(offer, size, digest)


def _not_published(offer: Offer, size: int | None, digest: str | None) -> ModelError:
    return ModelError(
        f"What the hub has for '{offer.name}' is not the file that was chosen ({size} bytes instead of {offer.size}, "
        f"SHA-256 {(digest or '')[:12]}… instead of {offer.sha256[:12]}…). Repeat it later, or download a GGUF "
        "yourself and use 'footnote models add'."
    )
