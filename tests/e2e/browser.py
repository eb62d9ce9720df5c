"""Debian's Chromium, driven by playwright, and what a page is asked inside it."""

import contextlib
import html
import os
import re
import urllib.parse

import pytest
from playwright.sync_api import sync_playwright


@contextlib.contextmanager
def chromium():
    path = os.environ.get("DRIFTGAUGE_TEST_CHROMIUM", "/usr/bin/chromium")
    if not os.path.exists(path):
        pytest.skip("chromium could not be installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def inside(link, url):
    """Whether a link stays on the server of a page."""
    return urllib.parse.urlsplit(link).netloc == urllib.parse.urlsplit(url).netloc


def links(page, url):
    """Addresses that a page at this address leads to, without the place on the page."""
    found = re.findall(r'<a [^>]*href="([^"]*)"', page)
    return {urllib.parse.urljoin(url, html.unescape(link)).partition("#")[0] for link in found}


CONTRAST = """() => {
  const parts = colour => {
    const numbers = colour.match(/[\\d.]+/g).map(Number);
    return { rgb: numbers.slice(0, 3), alpha: numbers[3] ?? 1 };
  };
  const luminance = rgb => {
    const [r, g, b] = rgb.map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const { rgb, alpha } = parts(getComputedStyle(element).backgroundColor);
      if (alpha === 1) return rgb;
      if (alpha > 0) throw new Error('half transparent background');
    }
    return [255, 255, 255];
  };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest('svg') || !element.checkVisibility()) continue;
    const [a, b] = [parts(getComputedStyle(element).color).rgb, behind(element)].map(luminance);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    texts.push({ text: node.data.trim().slice(0, 40), contrast });
  }
  return texts;
}"""
"""Every visible text with the contrast of its colour to what is behind it, as WCAG 2 defines it."""

AXES = """() => {
  const wrong = [];
  for (const svg of document.querySelectorAll('svg'))
    if (!svg.querySelector('title')?.textContent && svg.getAttribute('aria-hidden') !== 'true')
      wrong.push('a picture without words');
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3')) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) wrong.push(`${heading.textContent} skips a level`);
    level = own;
  }
  for (const header of document.querySelectorAll('th'))
    if (!header.textContent.trim()) wrong.push('an empty header');
  return wrong;
}"""
"""What those miss who do not see the page."""
