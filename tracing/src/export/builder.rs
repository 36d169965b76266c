//! What exporters of every protocol let their users set and ask: written once, for each builder and each exporter.

/// The settings that are the same for all, for a builder with a field `options`.
macro_rules! shared_settings {
    () => {
        /// What survives, and where it is kept until it is sent. In memory only, unless set.
        ///
        /// With [`Durability::Memory`](crate::export::Durability::Memory), the spool is not used.
        pub fn with_durability(
            mut self,
            durability: crate::export::Durability,
            spool: crate::export::SpoolSettings,
        ) -> Self {
            self.options.durability = durability;
            self.options.spool = (durability != crate::export::Durability::Memory).then_some(spool);
            self
        }

        /// Lets so many bytes wait in memory; 64 MiB unless set. One operation is always let in.
        pub fn with_memory(mut self, bytes: usize) -> Self {
            self.options.memory = bytes;
            self
        }

        /// How long a first operation waits for others to be sent with it; 250 ms unless set.
        pub fn with_linger(mut self, linger: std::time::Duration) -> Self {
            self.options.linger = linger;
            self
        }

        /// How many requests may be under way at once, for each destination; 4 unless set, and 1 at the least. Operations
        /// of one run are sent in order all the same.
        pub fn with_requests_at_once(mut self, requests: usize) -> Self {
            self.options.at_once = requests.max(1);
            self
        }

        /// How long a server may be silent before a request counts as failed; 10 s unless set. A server that is slow but
        /// takes something is not silent.
        pub fn with_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.options.patience = timeout;
            self
        }

        /// How long dropping it may take; 5 s unless set, 0.8 s with a spool.
        pub fn with_farewell(mut self, longest: std::time::Duration) -> Self {
            self.options.farewell = Some(longest);
            self
        }

        /// Makes the end of each root wait, no longer than told, until all is sent: for functions that are frozen as soon
        /// as they have answered.
        pub fn flushing_on_root(mut self, longest: std::time::Duration) -> Self {
            self.options.flush_on_root = Some(longest);
            self
        }

        /// On `SIGTERM` or `SIGINT`, lets nothing in any more, sends what it can, no longer than told, and then lets the
        /// signal do what it does by default: end the process. A second signal ends it at once.
        ///
        /// For programs that do not handle these signals by themselves: one that does calls [`close`](Self::start) where
        /// it ends. A forked child heeds them from its first run on.
        #[cfg(unix)]
        pub fn with_signals(mut self, longest: std::time::Duration) -> Self {
            self.options.signals = Some(longest);
            self
        }

        #[cfg(test)]
        #[allow(dead_code, reason = "not every exporter's tests make it fail")]
        pub(crate) fn failing_at(mut self, fault: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
            self.options.fault = Some(std::sync::Arc::new(fault));
            self
        }

        /// Calls `callback` with all that goes wrong on the way out, from threads of the handler's own, or from the
        /// caller's. Without it, one line a minute on standard error says so.
        pub fn on_problem(mut self, callback: impl Fn(&crate::export::Problem) + Send + Sync + 'static) -> Self {
            self.options.on_problem = Some(std::sync::Arc::new(callback));
            self
        }

        /// Says nothing on standard error.
        pub fn quiet(mut self) -> Self {
            self.options.quiet = true;
            self
        }
    };
}

/// What a running exporter can be asked, for one with a field `exporter`.
macro_rules! shared_methods {
    () => {
        pub(crate) fn exporter(&self) -> &crate::export::Exporter {
            &self.exporter
        }

        /// What to give to [`with_handler`](runtree_core::RunnableConfig::with_handler): the same each time.
        pub fn handler(&self) -> std::sync::Arc<dyn runtree_core::CallbackHandler> {
            self.exporter.handler()
        }

        /// Waits until all that was handed over before is stored, refused or given up; no longer than told. It needs no
        /// particular runtime.
        pub fn flush(
            &self,
            longest: std::time::Duration,
        ) -> impl Future<Output = crate::export::Receipt> + Send + use<> {
            self.exporter.flush(longest)
        }

        /// [`flush`](Self::flush) for code that is not async. It blocks this thread.
        pub fn flush_blocking(&self, longest: std::time::Duration) -> crate::export::Receipt {
            self.exporter.flush_blocking(longest)
        }

        /// As [`flush_blocking`](Self::flush_blocking), and waits for what dead processes left in the spool, too.
        pub fn drain_blocking(&self, longest: std::time::Duration) -> crate::export::Receipt {
            self.exporter.drain_blocking(longest)
        }

        /// Lets nothing in any more, sends what it can, and ends. What is then still in memory is given up and counted;
        /// what is in the spool stays for the next start. It blocks this thread, no longer than told.
        pub fn close(self, longest: std::time::Duration) -> crate::export::Receipt {
            self.exporter.close(longest)
        }

        /// Its figures now.
        pub fn stats(&self) -> crate::export::Stats {
            self.exporter.stats()
        }
    };
}

pub(crate) use {shared_methods, shared_settings};
