using System.Globalization;
using System.Text.Json.Nodes;

using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace ZeroOS.Client.Yaml;

/// <summary>
/// YAML read by its event stream into the JSON that the contracts are checked against: one document, no anchors, no tags, no duplicate keys. A plain scalar
/// is true, false or a whole number when it looks like one, and text otherwise; the contract decides whether that is what belongs there.
/// </summary>
internal sealed class YamlReader
{
    private const int MaxChars = 1 << 20;
    private const int MaxDepth = 16;

    private readonly string _name;
    private readonly Parser _parser;
    private readonly Dictionary<string, long> _lines = new(StringComparer.Ordinal);

    private YamlReader(string name, string text) => (_name, _parser) = (name, new Parser(new StringReader(text)));

    /// <summary>The document.</summary>
    public JsonObject Root { get; private set; } = [];

    /// <summary>Reads one document; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="ClientException">It is not one, with file and line.</exception>
    public static YamlReader Read(string name, string text)
    {
        if (text.Length > MaxChars)
            throw new ClientException($"{name} has over {MaxChars} characters");
        YamlReader reader = new(name, text);
        try
        {
            reader.ReadDocument();
        }
        catch (YamlException e)
        {
            throw new ClientException($"{name}:{e.Start.Line}: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            // The library's scanner says so of some broken flow mappings, without a line of its own.
            throw new ClientException($"{name}:{reader._parser.Current?.End.Line ?? 1}: this is not YAML behind here");
        }
        return reader;
    }

    /// <summary>"FILE:LINE" of the field, or of the nearest one around it.</summary>
    public string Where(string? path)
    {
        for (string at = path ?? ""; at.Length > 0; at = Parent(at))
        {
            if (_lines.TryGetValue(at, out long line))
                return string.Create(CultureInfo.InvariantCulture, $"{_name}:{line}");
        }
        return _name;
    }

    private static string Parent(string path) => path[..Math.Max(0, path.LastIndexOfAny(['.', '[']))];

    private void ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (!_parser.TryConsume<DocumentStart>(out _))
            throw new ClientException($"{_name} is empty");
        Root = ReadNode("", 0) as JsonObject ?? throw new ClientException($"{_name} is not a list of fields");
        _parser.Consume<DocumentEnd>();
        if (_parser.TryConsume<DocumentStart>(out DocumentStart? second))
            throw new ClientException($"{_name}:{second.Start.Line}: a second document begins; one file is one deployment");
    }

    private JsonNode ReadNode(string path, int depth)
    {
        if (depth > MaxDepth)
            throw new ClientException($"{_name} nests deeper than {MaxDepth}");
        if (_parser.Accept<AnchorAlias>(out AnchorAlias? alias))
            throw NotPlain(alias);
        NodeEvent node = _parser.Consume<NodeEvent>();
        if (path.Length > 0)
            _lines.TryAdd(path, node.Start.Line);
        if (!node.Anchor.IsEmpty || !node.Tag.IsEmpty)
            throw NotPlain(node);
        return node switch
        {
            Scalar scalar => ReadScalar(scalar),
            SequenceStart => ReadSequence(path, depth),
            _ => ReadMapping(path, depth),
        };
    }

    private ClientException NotPlain(ParsingEvent at) => new($"{_name}:{at.Start.Line}: anchors, aliases and tags are not understood here");

    private JsonArray ReadSequence(string path, int depth)
    {
        JsonArray array = [];
        while (!_parser.TryConsume<SequenceEnd>(out _))
            array.Add(ReadNode(string.Create(CultureInfo.InvariantCulture, $"{path}[{array.Count}]"), depth + 1));
        return array;
    }

    private JsonObject ReadMapping(string path, int depth)
    {
        JsonObject mapping = [];
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            Scalar key = _parser.TryConsume<Scalar>(out Scalar? scalar) ? scalar
                : throw new ClientException($"{_name}:{_parser.Current!.Start.Line}: a field's name is text");
            if (mapping.ContainsKey(key.Value))
                throw new ClientException($"{_name}:{key.Start.Line}: \"{key.Value}\" twice");
            string at = path.Length == 0 ? key.Value : $"{path}.{key.Value}";
            _lines.TryAdd(at, key.Start.Line);
            mapping.Add(key.Value, ReadNode(at, depth + 1));
        }
        return mapping;
    }

    private JsonValue ReadScalar(Scalar scalar)
    {
        if (scalar.Style != ScalarStyle.Plain)
            return JsonValue.Create(scalar.Value);
        switch (scalar.Value)
        {
            case "true":
                return JsonValue.Create(true);
            case "false":
                return JsonValue.Create(false);
            case "" or "~" or "null":
                throw new ClientException(
                    $"{_name}:{scalar.Start.Line}: nothing stands where a value belongs; leave the field out, or write \"\" for empty text");
        }
        bool whole = long.TryParse(scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            && number.ToString(CultureInfo.InvariantCulture) == scalar.Value;
        return whole ? JsonValue.Create(number) : JsonValue.Create(scalar.Value);
    }
}
