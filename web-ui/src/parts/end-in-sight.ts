import { useEffect, useRef, type RefObject } from "react";

const NEAR_PX = 24;

/** Keeps the end of a list that grows in sight; whoever scrolled up to read is left there. */
export function useEndInSight<E extends HTMLElement>(
  newest: number | undefined,
): { readonly ref: RefObject<E | null>; readonly onScroll: () => void } {
  const ref = useRef<E>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    if (atEnd.current) ref.current?.scrollTo({ top: ref.current.scrollHeight });
  }, [newest]);
  const onScroll = (): void => {
    const box = ref.current;
    if (box !== null) atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
  };
  return { ref, onScroll };
}
