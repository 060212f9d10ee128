// WeChat's own elements, as components over the browser's of the same names.
import { addressOf, pressed } from "./phone.js";

/** Of a page that is gone there are no elements any more, but its last setData may still be on the way. */
const domOf = (component) => component._$.getBackendElement() ?? {};

const plain = {};

const image = {
  properties: { src: String, mode: String },
  data: { address: "" },
  observers: {
    src(src) {
      this.setData({ address: addressOf(src) });
    },
  },
};

const button = {
  properties: { openType: String, formType: String, disabled: Boolean },
  observers: {
    disabled(disabled) {
      domOf(this).disabled = disabled;
    },
  },
  lifetimes: {
    attached() {
      const dom = domOf(this);
      dom.type = "button";
      dom.addEventListener("click", async () => {
        if (this.data.formType === "submit") submit(dom.closest("form"));
        const { openType } = this.data;
        if (openType) this.triggerEvent(openType.toLowerCase(), await pressed(openType), {});
      });
    },
  },
};

const form = {
  lifetimes: {
    attached() {
      domOf(this).addEventListener("submit", (event) => event.preventDefault());
    },
  },
};

const input = {
  properties: { value: String, name: String, type: String, placeholder: String, maxlength: Number },
  observers: {
    "value, name, placeholder"(value, name, placeholder) {
      Object.assign(domOf(this), { value, name, placeholder });
    },
  },
};

function submit(dom) {
  const inputs = [...dom.querySelectorAll("input[name]")];
  const value = Object.fromEntries(inputs.map((field) => [field.name, field.value]));
  dom.__wxElement.triggerEvent("submit", { value });
}

/** Components by their names. */
export const ELEMENTS = { view: plain, text: plain, image, button, form, input };
