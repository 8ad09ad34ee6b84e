using System.Text.Json.Serialization.Metadata;

namespace ZeroOS.Contracts.Bus;

/// <summary>A command that is answered in pieces until the node ends the stream: its name on the wire, and the JSON of its body and of one piece.</summary>
public sealed record StreamCommand<TBody, TPiece>(string Name, JsonTypeInfo<TBody> Body, JsonTypeInfo<TPiece> Piece) where TBody : class where TPiece : class;
