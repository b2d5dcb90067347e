/** Puts a picture of the floor under the devices. */
import { Component } from "preact";
import type { Facts } from "../site.js";
import { putPicture } from "./api.js";

export interface PictureFormProps {
  readonly facts: Facts;
}

interface PictureFormState {
  readonly file: File | undefined;
  readonly metres: string | undefined;
  readonly said: string;
}

export class PictureForm extends Component<PictureFormProps, PictureFormState> {
  override state: PictureFormState = { file: undefined, metres: undefined, said: "" };

  override render({ facts }: PictureFormProps, { file, said, ...state }: PictureFormState) {
    const metres = state.metres ?? `${facts.pictureMetres}`;
    const put = async (event: Event) => {
      event.preventDefault();
      if (file === undefined) return;
      try {
        await putPicture(file, Number(metres));
        this.setState({ said: "That is the floor now." });
      } catch (error) {
        this.setState({ said: (error as Error).message });
      }
    };
    return (
      <form class="picture card" onSubmit={(event) => void put(event)}>
        <h3>Picture of the floor</h3>
        <label>
          PNG or JPEG
          <input
            type="file"
            accept="image/png,image/jpeg"
            onChange={(event) => this.setState({ file: event.currentTarget.files?.[0] })}
          />
        </label>
        <label>
          metres wide
          <input
            type="number"
            min="1"
            max="10000"
            step="0.01"
            value={metres}
            onInput={(event) => this.setState({ metres: event.currentTarget.value })}
          />
        </label>
        <button type="submit" disabled={file === undefined}>
          Put it under the plan
        </button>
        <p role="status">{said}</p>
      </form>
    );
  }
}
