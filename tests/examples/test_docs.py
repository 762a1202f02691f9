"""What the documents show works, and what they link to exists."""

import re
from pathlib import Path

import pytest
from support.sockhook import run_binary

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMPLETE = [ROOT / "README.md", ROOT / "docs" / "migrating-from-api-gateway.md"]  # their YAML is a whole configuration


def anchors(page):
    """The fragments by which a page's headings are reached."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", target):
            continue
        path, _, fragment = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if fragment:
            assert fragment in anchors(file), target


@pytest.mark.parametrize("page", COMPLETE, ids=lambda page: page.name)
def test_the_configuration_that_it_shows_is_valid(page, tmp_path):
    blocks = re.findall(r"^( *)```yaml\n(.*?)```", page.read_text(), re.S | re.M)
    assert blocks
    for indent, block in blocks:
        file = tmp_path / "sockhook.yaml"
        file.write_text(re.sub(f"^{indent}", "", block, flags=re.M))
        checked = run_binary("check", "--config", file)
        assert checked.returncode == 0, checked.stdout + checked.stderr
