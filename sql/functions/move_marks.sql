-- Function:   millrace.move_marks(marks bigint[], low bigint, classes smallint[], positions bigint[])
-- Parameters: marks: by class, from 0; low: the most that a mark may be; classes, positions: what was taken, in order within each class
-- Returns:    the marks, as far as they can follow
-- Changes:    nothing
-- Locks:      none
-- For:        admit_some
create or replace function millrace.move_marks(marks bigint[], low bigint, classes smallint[], positions bigint[]) returns bigint[]
language plpgsql immutable as $$
begin
	for i in 1..coalesce(cardinality(classes), 0) loop
		-- The last of each class says it.
		continue when classes[i + 1] = classes[i];
		marks[classes[i] + 1] := greatest(marks[classes[i] + 1], least(positions[i], low));
	end loop;
	return marks;
end
$$;
comment on function millrace.move_marks(bigint[], bigint, smallint[], bigint[]) is 'How far admissions of a group have come.';
