-- ids.sql -- trace IDs in all their forms.
\ir lib/helpers.sql
select pg_temp.check_equal('text', millrace.trace_text('01890a5d-ac96-774b-bcce-b302099a8057'), 'trace_01H455VB4PEX5VSKNK084SN02Q');
select pg_temp.check_equal(form, millrace.trace_uuid(form), '01890a5d-ac96-774b-bcce-b302099a8057'::uuid)
from unnest(array['trace_01H455VB4PEX5VSKNK084SN02Q', 'TRACE_01h455vb4pex5vsknk084sn02q', '01H455VB4PEX5VSKNK084SN02Q',
	' trace_01H455VB4PEX5VSKNK084SN02Q ', '01890A5DAC96774BBCCEB302099A8057', '01890a5d-ac96-774b-bcce-b302099a8057']) form;
select pg_temp.check_equal('refused: ' || form, millrace.trace_uuid(form), null::uuid)
from unnest(array['', 'trace_', 'trace_81H455VB4PEX5VSKNK084SN02Q', 'trace_01H455VB4PEX5VSKNK084SN02U', '01890a5dac96774bbcceb302099a805',
	'01890a5d-ac96774b-bcce-b302099a8057', 'x'' or 1=1', 'trace_01H455VB4PEX5VSKNK084SN02Q0']) form;
select pg_temp.check_equal('round trip', count(*), 200::bigint)
from (select gen_random_uuid() as id from generate_series(1, 200)) g where millrace.trace_uuid(millrace.trace_text(g.id)) = g.id;
rollback;
