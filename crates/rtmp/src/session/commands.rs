//! Commands from a client (RTMP 1.0 §7.2), as OBS, ffmpeg, GStreamer, librtmp and Flash send them.

use formats::amf::Value;
use media::Redacted;

use super::types::{Event, PlayStart, PublishKind};
use super::{Ended, Role, ServerSession, connect};
use crate::chunk::Message;
use crate::command::{self, Command, Level};
use crate::message::{BandwidthLimit, Control};
use crate::wire;

impl ServerSession {
    pub(super) fn on_command(&mut self, message: &Message) {
        if message.payload.len() > self.config.limits.command_bytes_max {
            return self.malformed("command too long");
        }
        let Some(command) = Command::parse(&message.payload) else {
            return self.malformed("command without a name");
        };
        if command.name == "connect" {
            return self.on_connect(&command);
        }
        if self.connect.is_none() {
            self.counters.commands_ignored += 1;
            return;
        }
        let stream_id = message.stream_id;
        match command.name.as_str() {
            "createStream" => self.on_create_stream(&command),
            "publish" => self.on_publish(stream_id, &command),
            "play" => self.on_play(stream_id, &command),
            "play2" => self.on_play2(stream_id, &command),
            "deleteStream" => {
                let id = command.number(0).and_then(command::stream_id).unwrap_or(stream_id);
                self.on_stop(id);
            }
            "closeStream" => self.on_stop(stream_id),
            "releaseStream" | "_checkbw" => self.result(&command, Value::Undefined),
            "FCPublish" => self.on_fc(&command, "onFCPublish", "NetStream.Publish.Start"),
            "FCSubscribe" => self.on_fc(&command, "onFCSubscribe", "NetStream.Play.Start"),
            "FCUnpublish" => self.on_fc_unpublish(&command),
            "getStreamLength" => self.result(&command, 0.0.into()),
            "pause" | "pauseRaw" => self.on_pause(stream_id, &command),
            "seek" => self.tell(stream_id, Level::Error, "NetStream.Seek.Failed", "a live stream cannot be sought in"),
            "receiveAudio" => self.on_receive(media::MediaKind::Audio, &command),
            "receiveVideo" => self.on_receive(media::MediaKind::Video, &command),
            _ => self.counters.commands_ignored += 1,
        }
    }

    fn on_connect(&mut self, command: &Command) {
        let refusal = match connect::parse(command, self.config.limits.name_bytes_max) {
            Ok(_) if self.connect.is_some() => {
                // A second connect is out of place, but nothing is broken by it.
                self.counters.commands_ignored += 1;
                return;
            }
            Ok(connect) => {
                let window = self.config.window_ack;
                self.link.control(Control::WindowAckSize(window));
                self.link.control(Control::SetPeerBandwidth { window, limit: BandwidthLimit::Dynamic });
                self.link.control(Control::SetChunkSize(self.config.chunk_size_out));
                self.link.command(0, &connect::answer(command.transaction, &connect));
                self.connect = Some(connect.clone());
                self.events.push_back(Event::Connect(Box::new(connect)));
                return;
            }
            Err(refusal) => refusal,
        };
        if self.connect.is_some() {
            return self.malformed("connect that names nothing");
        }
        self.link.command(0, &connect::refuse(command.transaction, refusal));
        self.end(Ended::ConnectRejected);
    }

    /// An idle connection gets the stream that shared media is written for, however often it asks; one that is in use
    /// gets others, which it can do nothing with but delete.
    fn on_create_stream(&mut self, command: &Command) {
        let mut id = wire::MEDIA_STREAM_ID;
        if self.role != Role::Idle {
            self.streams_created = self.streams_created.saturating_add(1);
            id = id.saturating_add(self.streams_created);
        }
        self.result(command, f64::from(id).into());
    }

    fn on_publish(&mut self, stream_id: u32, command: &Command) {
        if self.role != Role::Idle {
            self.counters.commands_ignored += 1;
            return self.tell(
                stream_id,
                Level::Error,
                "NetStream.Publish.BadName",
                "this connection is in use already",
            );
        }
        let Some(name) = self.stream_name(command.text(0)) else {
            return self.tell(stream_id, Level::Error, "NetStream.Publish.BadName", "publish names no stream");
        };
        let kind = match command.text(1) {
            None | Some("live") => PublishKind::Live,
            Some("record") => PublishKind::Record,
            Some("append") => PublishKind::Append,
            Some(_) => PublishKind::Other,
        };
        self.role = Role::PublishAsked(stream_id);
        self.setup_deadline = None;
        self.events.push_back(Event::Publish { stream_id, name, kind });
    }

    fn on_play(&mut self, stream_id: u32, command: &Command) {
        let start = PlayStart::from_argument(command.number(1));
        let reset = match command.arg(3) {
            Some(Value::Boolean(reset)) => *reset,
            Some(Value::Number(reset)) => *reset != 0.0,
            _ => true,
        };
        self.ask_to_play(stream_id, command.text(0), start, reset);
    }

    /// `play2` (§7.2.2.2): switches to another rendition, named in an object.
    fn on_play2(&mut self, stream_id: u32, command: &Command) {
        let options = command.arg(0);
        let name = options.and_then(|options| options.get("streamName")).and_then(Value::as_str);
        let start = options.and_then(|options| options.get("start")).and_then(Value::as_f64);
        self.ask_to_play(stream_id, name, PlayStart::from_argument(start), true);
    }

    fn ask_to_play(&mut self, stream_id: u32, name: Option<&str>, start: PlayStart, reset: bool) {
        match self.role {
            Role::Idle => {}
            Role::Playing(_) => self.events.push_back(Event::StopPlay),
            Role::PublishAsked(_) | Role::Publishing(_) | Role::PlayAsked { .. } => {
                self.counters.commands_ignored += 1;
                return self.tell(
                    stream_id,
                    Level::Error,
                    "NetStream.Play.Failed",
                    "this connection is in use already",
                );
            }
        }
        let Some(name) = self.stream_name(name) else {
            self.leave();
            return self.tell(stream_id, Level::Error, "NetStream.Play.StreamNotFound", "play names no stream");
        };
        self.role = Role::PlayAsked { stream_id, reset };
        self.setup_deadline = None;
        self.events.push_back(Event::Play { stream_id, name, start, reset });
    }

    /// The name as the caller shall see it: without leading slashes, the instance in place of an empty one, and the
    /// application's query if it has none. `None` if there is no name or it is too long.
    fn stream_name(&self, name: Option<&str>) -> Option<Redacted<String>> {
        let connect = self.connect.as_ref()?;
        let own = name.unwrap_or_default().trim_start_matches('/');
        let path_is_empty = own.split('?').next().unwrap_or_default().is_empty();
        let mut name = match &connect.instance {
            Some(Redacted(instance)) if path_is_empty => format!("{instance}{own}"),
            Some(_) | None => own.to_owned(),
        };
        if let Some(Redacted(query)) = connect.query.as_ref().filter(|_| !name.contains('?')) {
            name.push('?');
            name.push_str(query);
        }
        let is_named = !name.split('?').next().unwrap_or_default().is_empty();
        (is_named && name.len() <= self.config.limits.name_bytes_max).then_some(Redacted(name))
    }

    fn on_stop(&mut self, stream_id: u32) {
        match self.role {
            Role::Publishing(id) if id == stream_id => {
                self.events.push_back(Event::Unpublish { stream_id });
                self.tell(stream_id, Level::Status, "NetStream.Unpublish.Success", "publishing has ended");
                self.leave();
            }
            Role::Playing(id) if id == stream_id => {
                self.events.push_back(Event::StopPlay);
                self.tell(stream_id, Level::Status, "NetStream.Play.Stop", "playing has ended");
                self.leave();
            }
            // Deleting a stream that does nothing is what every client does at the end.
            Role::Idle | Role::Publishing(_) | Role::Playing(_) | Role::PublishAsked(_) | Role::PlayAsked { .. } => {}
        }
    }

    /// Back to a connection that does nothing yet: small budgets, and a deadline.
    fn leave(&mut self) {
        self.role = Role::Idle;
        self.setup_deadline = Some(self.now + self.config.timeouts.setup);
        let preauth = self.config.limits.preauth_bytes_max;
        self.link.reader.set_size_limits(u32::try_from(preauth).unwrap_or(u32::MAX), preauth);
    }

    fn on_fc(&mut self, command: &Command, callback: &str, code: &str) {
        self.result(command, Value::Undefined);
        let info = Value::object([("code", code.into()), ("description", "".into())]);
        self.link.command(0, &command::encode(callback, 0.0, &[Value::Null, info]));
    }

    fn on_fc_unpublish(&mut self, command: &Command) {
        self.on_fc(command, "onFCUnpublish", "NetStream.Unpublish.Success");
        if let Role::Publishing(id) = self.role {
            self.on_stop(id);
        }
    }

    fn on_pause(&mut self, stream_id: u32, command: &Command) {
        if !matches!(self.role, Role::Playing(_)) {
            self.counters.commands_ignored += 1;
            return;
        }
        let paused = command.arg(0).and_then(Value::as_bool).unwrap_or(false);
        // Saturates: a negative or huge position becomes the nearest that can be said.
        let position_ms = command.number(1).unwrap_or(0.0) as u32;
        let (code, text) = match paused {
            true => ("NetStream.Pause.Notify", "paused"),
            false => ("NetStream.Unpause.Notify", "playing again"),
        };
        self.tell(stream_id, Level::Status, code, text);
        self.events.push_back(Event::Pause { paused, position_ms });
    }

    fn on_receive(&mut self, kind: media::MediaKind, command: &Command) {
        let wanted = command.arg(0).and_then(Value::as_bool).unwrap_or(true);
        self.events.push_back(Event::Receive { kind, wanted });
    }

    /// `_result`, if the client wants one.
    fn result(&mut self, command: &Command, value: Value) {
        if command.transaction != 0.0 {
            self.link.command(0, &command::encode("_result", command.transaction, &[Value::Null, value]));
        }
    }
}
