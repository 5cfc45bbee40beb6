"""Drives a browser by one of Python's libraries: drive.py ORDERS.

Orders are JSON: program, headless, agent (empty: the browser's own), major (of Chromium's version), profile and firefox
(folders of profiles), pages and waits (addresses, and seconds before each), login (an address and two names of fields;
missing: none).
"""

import json
import os
import sys
import time

orders = json.load(open(sys.argv[1]))
FLAGS = ["--no-sandbox", "--no-first-run", "--password-store=basic"]
# Follows the link if the page has it, as a click does, else goes there.
FOLLOW = "const a=[...document.links].find(a=>a.href===arguments[0]); if(a){a.click();return true} return false"
FOLLOW_ARROW = "(u)=>{const a=[...document.links].find(a=>a.href===u); if(a){a.click();return true} return false}"


def selenium_walk(driver):
    from selenium.webdriver.common.by import By
    driver.set_page_load_timeout(30)
    for i, (page, wait) in enumerate(zip(orders["pages"], orders["waits"])):
        if i == 0 or not driver.execute_script(FOLLOW, page):
            driver.get(page)
        time.sleep(wait)
        driver.execute_script("scrollBy(0, 400)")
    if orders.get("login"):
        address, name, password = orders["login"]
        for i in range(6):
            driver.get(address)
            driver.find_element(By.NAME, name).send_keys(f"user{i}@example.com")
            field = driver.find_element(By.NAME, password)
            field.send_keys("Password" + str(i))
            field.submit()
            time.sleep(0.5)
    driver.quit()


def selenium_chromium():
    from selenium import webdriver
    options = webdriver.ChromeOptions()
    for flag in FLAGS + ["--user-data-dir=" + orders["profile"]] + (["--headless=new"] if orders["headless"] else []):
        options.add_argument(flag)
    if orders.get("agent"):
        options.add_argument("--user-agent=" + orders["agent"])
    options.binary_location = "/usr/bin/chromium"
    selenium_walk(webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver")))


def selenium_firefox():
    from selenium import webdriver
    options = webdriver.FirefoxOptions()
    options.binary_location = "/usr/bin/firefox-esr"
    options.add_argument("-profile")
    options.add_argument(orders["firefox"])
    if orders["headless"]:
        options.add_argument("-headless")
    driver = os.path.join(os.path.dirname(os.path.abspath(__file__)), "geckodriver")
    selenium_walk(webdriver.Firefox(options=options, service=webdriver.FirefoxService(driver)))


def undetected_chromedriver():
    import shutil
    import undetected_chromedriver as uc
    driver = shutil.copy("/usr/bin/chromedriver", orders["profile"] + "-driver")  # which it patches
    options = uc.ChromeOptions()
    for flag in FLAGS:
        options.add_argument(flag)
    selenium_walk(uc.Chrome(options=options, user_data_dir=orders["profile"], browser_executable_path="/usr/bin/chromium",
                            driver_executable_path=driver, headless=orders["headless"], version_main=int(orders["major"])))


def nodriver():
    import asyncio
    import nodriver as nd

    async def main():
        browser = await nd.start(headless=orders["headless"], browser_executable_path="/usr/bin/chromium", sandbox=False, user_data_dir=orders["profile"])
        tab = None
        for page, wait in zip(orders["pages"], orders["waits"]):
            link = None
            if tab:
                path = "/" + page.split("/", 3)[3]
                link = await tab.query_selector(f'a[href="{path}"]')
            if link:
                await link.click()
            else:
                tab = await browser.get(page)
            await asyncio.sleep(wait)
            await tab.scroll_down(60)
        browser.stop()
    nd.loop().run_until_complete(main())


def drissionpage():
    from DrissionPage import ChromiumOptions, ChromiumPage
    options = ChromiumOptions().set_browser_path("/usr/bin/chromium").set_user_data_path(orders["profile"]).headless(orders["headless"]).auto_port()
    for flag in FLAGS:
        options.set_argument(flag)
    page = ChromiumPage(options)
    for i, (address, wait) in enumerate(zip(orders["pages"], orders["waits"])):
        if i == 0 or not page.run_js(FOLLOW, address):
            page.get(address)
        time.sleep(wait)
    page.quit()


def playwright_walk(sync_playwright):
    with sync_playwright() as p:
        extra = {"user_agent": orders["agent"]} if orders.get("agent") else {}
        context = p.chromium.launch_persistent_context(orders["profile"], executable_path="/usr/bin/chromium", headless=orders["headless"], args=FLAGS, **extra)
        page = context.pages[0]
        for i, (address, wait) in enumerate(zip(orders["pages"], orders["waits"])):
            if i == 0 or not page.evaluate(FOLLOW_ARROW, address):
                page.goto(address)
            page.wait_for_timeout(1000 * wait)
            page.mouse.wheel(0, 500)
        if orders.get("login"):
            address, name, password = orders["login"]
            for i in range(6):
                page.goto(address)
                page.fill(f'[name="{name}"]', f"user{i}@example.com")
                page.fill(f'[name="{password}"]', f"Password{i}")
                page.press(f'[name="{password}"]', "Enter")
                page.wait_for_timeout(500)
        context.close()


def py_playwright():
    from playwright.sync_api import sync_playwright
    playwright_walk(sync_playwright)


def py_patchright():
    from patchright.sync_api import sync_playwright
    playwright_walk(sync_playwright)


globals()[orders["program"].replace("-", "_")]()
