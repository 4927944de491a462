//! Numbers for Java to hold instead of pointers.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Why a handle leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandleError {
    /// It was given out and closed since.
    #[error("this allocator has been stopped: its handle {0} must not be used any more")]
    Closed(i64),
    /// It was never given out.
    #[error("{0} is not a handle of an allocator: only what start() returned is one")]
    Unknown(i64),
    /// All numbers are used up.
    #[error("no more handles: restart the driver")]
    Exhausted,
}

/// Values by generation-checked handles: the low 32 bits are a slot, the high ones say which of the values that
/// the slot has held. A handle is positive, and is never given out twice.
///
/// No lock is held after a method has returned: callers block on the value, not on the table.
#[derive(Debug)]
pub(crate) struct HandleTable<T: ?Sized> {
    slots: RwLock<Vec<Slot<T>>>,
}

#[derive(Debug)]
struct Slot<T: ?Sized> {
    /// Of the value it holds, or held last. Starts at 1.
    generation: u32,
    value: Option<Arc<T>>,
}

/// Handles stay positive.
const LAST_GENERATION: u32 = i32::MAX as u32;

impl<T: ?Sized> HandleTable<T> {
    /// An empty table.
    pub(crate) const fn new() -> Self {
        Self {
            slots: RwLock::new(Vec::new()),
        }
    }

    /// Takes a value in and gives out its handle.
    pub(crate) fn insert(&self, value: Arc<T>) -> Result<i64, HandleError> {
        let mut slots = self.write();
        let free = slots
            .iter()
            .position(|slot| slot.value.is_none() && slot.generation < LAST_GENERATION);
        let index = if let Some(index) = free {
            let slot = &mut slots[index];
            slot.generation += 1;
            slot.value = Some(value);
            index
        } else {
            slots.push(Slot {
                generation: 1,
                value: Some(value),
            });
            slots.len() - 1
        };
        let low = u32::try_from(index).map_err(|_| HandleError::Exhausted)?;
        Ok(i64::from(slots[index].generation) << 32 | i64::from(low))
    }

    /// The value of a handle.
    pub(crate) fn get(&self, handle: i64) -> Result<Arc<T>, HandleError> {
        let (index, generation) = split(handle)?;
        match self.read().get(index) {
            Some(slot) if slot.generation == generation => {
                slot.value.clone().ok_or(HandleError::Closed(handle))
            }
            Some(slot) if generation < slot.generation => Err(HandleError::Closed(handle)),
            _ => Err(HandleError::Unknown(handle)),
        }
    }

    /// Closes a handle and hands back its value; none when it is closed already. The value is dropped by the
    /// caller, outside of the lock.
    pub(crate) fn close(&self, handle: i64) -> Result<Option<Arc<T>>, HandleError> {
        let (index, generation) = split(handle)?;
        match self.write().get_mut(index) {
            Some(slot) if slot.generation == generation => Ok(slot.value.take()),
            Some(slot) if generation < slot.generation => Ok(None),
            _ => Err(HandleError::Unknown(handle)),
        }
    }

    // No code of others runs under the lock, so a poisoned one guards sound data.
    fn read(&self) -> RwLockReadGuard<'_, Vec<Slot<T>>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Slot<T>>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Slot and generation.
fn split(handle: i64) -> Result<(usize, u32), HandleError> {
    let unknown = |_| HandleError::Unknown(handle);
    let generation = u32::try_from(handle >> 32).map_err(unknown)?;
    let index = usize::try_from(handle & i64::from(u32::MAX)).map_err(unknown)?;
    if generation == 0 {
        Err(HandleError::Unknown(handle))
    } else {
        Ok((index, generation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Arc<str> {
        Arc::from(text)
    }

    #[test]
    fn a_handle_leads_to_its_value_until_it_is_closed() {
        let table = HandleTable::<str>::new();
        let first = table.insert(value("first")).unwrap();
        let second = table.insert(value("second")).unwrap();
        assert_eq!(&*table.get(first).unwrap(), "first");
        assert_eq!(&*table.get(second).unwrap(), "second");
        assert_eq!(table.close(first).unwrap().as_deref(), Some("first"));
        assert_eq!(table.get(first), Err(HandleError::Closed(first)));
        assert_eq!(&*table.get(second).unwrap(), "second");
    }

    #[test]
    fn closing_twice_does_nothing() {
        let table = HandleTable::<str>::new();
        let handle = table.insert(value("only")).unwrap();
        assert!(table.close(handle).unwrap().is_some());
        assert!(table.close(handle).unwrap().is_none());
    }

    #[test]
    fn a_slot_used_again_gives_another_handle() {
        let table = HandleTable::<str>::new();
        let old = table.insert(value("old")).unwrap();
        table.close(old).unwrap();
        let new = table.insert(value("new")).unwrap();
        assert_eq!(
            old & i64::from(u32::MAX),
            new & i64::from(u32::MAX),
            "the slot is used again"
        );
        assert_eq!(table.get(old), Err(HandleError::Closed(old)));
        assert!(
            table.close(old).unwrap().is_none(),
            "a late close must not hit the new value"
        );
        assert_eq!(&*table.get(new).unwrap(), "new");
    }

    #[test]
    fn numbers_never_given_out_are_refused() {
        let table = HandleTable::<str>::new();
        let handle = table.insert(value("only")).unwrap();
        for wrong in [
            0,
            1,
            -1,
            i64::MIN,
            i64::MAX,
            handle + 1,
            handle + (1 << 32),
            -handle,
        ] {
            assert_eq!(table.get(wrong), Err(HandleError::Unknown(wrong)));
            assert_eq!(table.close(wrong), Err(HandleError::Unknown(wrong)));
        }
    }

    #[test]
    fn a_worn_out_slot_is_retired() {
        let table = HandleTable::<str>::new();
        table.slots.write().unwrap().push(Slot {
            generation: LAST_GENERATION,
            value: None,
        });
        let handle = table.insert(value("next")).unwrap();
        assert_eq!(handle, (1 << 32) | 1);
    }

    #[test]
    fn the_value_outlives_its_handle_where_it_is_in_use() {
        let table = HandleTable::<str>::new();
        let handle = table.insert(value("used")).unwrap();
        let used = table.get(handle).unwrap();
        drop(table.close(handle).unwrap());
        assert_eq!(Arc::strong_count(&used), 1);
    }
}
