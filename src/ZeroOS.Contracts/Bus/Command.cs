using System.Text.Json.Serialization.Metadata;

namespace ZeroOS.Contracts.Bus;

/// <summary>
/// A command that is answered once: its name on the wire, and the JSON of its body and of its reply. All of them are in <see cref="Commands"/>.
/// </summary>
public sealed record Command<TBody, TReply>(string Name, JsonTypeInfo<TBody> Body, JsonTypeInfo<TReply> Reply) where TBody : class where TReply : class;
