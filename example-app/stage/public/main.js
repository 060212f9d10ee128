import { openDiagram } from "./diagram.js";
import { openPhone } from "./phone.js";
import { openScene } from "./scene.js";
import { chooseLanguage, speak } from "./text.js";
import { openWebsite } from "./website.js";

const diagram = openDiagram();
const scene = openScene();
const phone = openPhone(scene, diagram);
const website = openWebsite(scene, diagram);

scene.onOtherPeople(() => {
  phone.restart();
  website.restart();
});

// On a narrow screen there is room for one device at a time.
const devices = document.querySelector(".devices");
function showDevice(name) {
  devices.dataset.shown = name;
  for (const button of devices.querySelectorAll("[data-device]")) {
    button.setAttribute("aria-pressed", String(button.dataset.device === name));
  }
}
for (const button of devices.querySelectorAll("[data-device]")) {
  button.addEventListener("click", () => showDevice(button.dataset.device));
}
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => chooseLanguage(button.dataset.language));
}
showDevice("phone");
speak();
